//! Groups: deployed in the order of their dependencies, scaled, returned to an old version, deleted.

use harness::client::http::Method;
use harness::client::marathon::Started;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SLEEPS, cluster};

/// A group of a web server that needs a database, in this number each.
async fn shop(cluster: &Cluster) -> Result<Started> {
    let app = |id: &str| json!({ "id": id, "cmd": SLEEPS, "cpus": 0.1, "mem": 16 });
    let mut web = app("web");
    web["dependencies"] = json!(["db"]);
    let group = json!({ "id": "/shop", "apps": [web], "groups": [{ "id": "db", "apps": [app("main")] }] });
    let answer = cluster.marathon().ask(Method::POST, "v2/groups", Some(&group)).await?;
    answer
        .expect(&[harness::client::http::StatusCode::CREATED])?
        .json_of_any()
}

#[rstest]
#[tokio::test]
async fn dependencies_are_deployed_first(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let mut events = marathon.events().await?;

    let started = shop(&cluster).await?;

    let seen = events
        .until("the deployment of /shop succeeds", |event| {
            event.kind == "deployment_success"
        })
        .await?;
    let running = seen.iter().filter(|event| event.data["taskStatus"] == "TASK_RUNNING");
    let running: Vec<&Value> = running.map(|event| &event.data["appId"]).collect();
    check!(running == [&json!("/shop/db/main"), &json!("/shop/web")]);
    marathon.deployed(&started).await?;
    let group: Value = marathon.ask(Method::GET, "v2/groups/shop", None).await?.json()?;
    check!(
        group["apps"][0]["dependencies"] == json!(["/shop/db"]),
        "dependencies are absolute"
    );
    check!(group["groups"][0]["apps"][0]["id"] == "/shop/db/main");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn scaling_reaches_every_app_and_back(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let first = shop(&cluster).await?;
    marathon.deployed(&first).await?;

    marathon
        .deployed(&group_change(&cluster, &json!({ "scaleBy": 1.5 })).await?)
        .await?;
    for app in ["/shop/web", "/shop/db/main"] {
        check!(
            marathon.app(app).await?.tasks_running == 2,
            "{app} has 1.5 instances, rounded up"
        );
    }
    marathon
        .deployed(&group_change(&cluster, &json!({ "version": first.version })).await?)
        .await?;
    for app in ["/shop/web", "/shop/db/main"] {
        check!(marathon.app(app).await?.tasks_running == 1, "{app} is as it was");
    }
    cluster.finish().await
}

async fn group_change(cluster: &Cluster, change: &Value) -> Result<Started> {
    cluster
        .marathon()
        .ask(Method::PUT, "v2/groups/shop", Some(change))
        .await?
        .ok()?
        .json_of_any()
}

#[rstest]
#[tokio::test]
async fn deletion_ends_all_that_it_holds(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    marathon.deployed(&shop(&cluster).await?).await?;

    let answer = marathon.ask(Method::DELETE, "v2/groups/shop", None).await?;

    marathon.deployed(&answer.ok()?.json_of_any()?).await?;
    check!(marathon.tasks().await?.is_empty(), "no task is left");
    check!(marathon.apps().await?.is_empty(), "nor an app");
    let gone = marathon.ask(Method::GET, "v2/groups/shop", None).await?;
    check!(gone.status().as_u16() == 404, "nor the group");
    cluster.finish().await
}
