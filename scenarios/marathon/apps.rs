//! Apps: started, scaled, restarted, deleted.

use harness::await_until::{Probe, Wait};
use harness::client::marathon::AppSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains, deadlines};
use rstest::rstest;
use serde_json::json;

use super::{SLEEPS, cluster, ids, sandbox};

/// What the task finds around it is what the descriptor and the documentation say.
#[rstest]
#[tokio::test]
async fn descriptor_runs(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let spec = AppSpec::command("/products/web", "env > environment; sleep 1000")
        .with("env", json!({ "COLOUR": "blue" }))
        .with("labels", json!({ "tier": "front" }))
        .with("ports", json!([0, 0]));

    let app = marathon.run(&spec).await?;

    check!(app.tasks_running == 1 && app.tasks.len() == 1, "one task runs: {app:?}");
    let task = &app.tasks[0];
    check!(
        task.id.starts_with("products_web."),
        "its id begins with the app's: {}",
        task.id
    );
    check!(task.ports.len() == 2 && task.ports.iter().all(|port| (31000..=32000).contains(port)));
    let state = cluster.mesos().state().await?;
    let framework = state.frameworks.iter().find(|framework| framework.name == "marathon");
    let known = framework.and_then(|framework| framework.tasks.iter().find(|known| known.id.as_str() == task.id));
    check!(
        known.map(|known| known.name.as_str()) == Some("web.products"),
        "Mesos knows it by its reversed path"
    );
    let environment = sandbox(&cluster, task)
        .await?
        .await_text("environment", "MARATHON_APP_ID")
        .await?;
    for line in [
        "MARATHON_APP_ID=/products/web".to_owned(),
        format!("MARATHON_APP_VERSION={}", task.version),
        "COLOUR=blue".to_owned(),
        format!("PORT0={}", task.ports[0]),
        format!("PORT1={}", task.ports[1]),
        format!("PORTS={},{}", task.ports[0], task.ports[1]),
        format!("HOST={}", task.host),
        "MARATHON_APP_LABEL_TIER=front".to_owned(),
    ] {
        check_contains!(environment, line);
    }
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn scales_up_and_down(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon.run(&AppSpec::command("/a", SLEEPS)).await?;

    marathon.deployed(&marathon.scale("/a", 4).await?).await?;
    let more = marathon.app("/a").await?;
    check!(more.tasks_running == 4, "four run: {more:?}");
    check!(ids(&before).is_subset(&ids(&more)), "the first one runs on");

    marathon.deployed(&marathon.scale("/a", 1).await?).await?;
    let less = marathon.app("/a").await?;
    check!(ids(&less) == ids(&before), "the youngest end first");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn restart_replaces_every_task(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon.run(&AppSpec::command("/a", SLEEPS).instances(2)).await?;

    marathon.deployed(&marathon.restart("/a").await?).await?;

    let after = marathon.app("/a").await?;
    check!(after.tasks_running == 2);
    check!(ids(&before).is_disjoint(&ids(&after)), "no task is left of before");
    check!(marathon.versions("/a").await?.len() == 2, "the restart is a version");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn killed_task_is_replaced(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon.run(&AppSpec::command("/a", SLEEPS)).await?;

    marathon.kill_task(&before.tasks[0], false).await?;

    let after = marathon
        .await_app("/a", "another task of /a runs", |app| {
            app.tasks_running == 1 && ids(app).is_disjoint(&ids(&before))
        })
        .await?;
    check!(after.instances == 1);
    marathon.kill_task(&after.tasks[0], true).await?;
    let none = marathon
        .await_app("/a", "no task of /a is left", |app| app.tasks.is_empty())
        .await?;
    check!(none.instances == 0, "with scale=true it is not replaced");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn deletion_ends_its_tasks(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    marathon.run(&AppSpec::command("/a", SLEEPS).instances(2)).await?;

    let started = marathon.delete("/a").await?;

    let gone = marathon.app("/a").await;
    check!(
        gone.err().and_then(|error| error.http_status()) == Some(404),
        "the app is gone at once"
    );
    marathon.deployed(&started).await?;
    check!(marathon.tasks().await?.is_empty(), "no task is left");
    // A task is in the master's list until the agent hears that its end is acknowledged.
    let mesos = cluster.mesos();
    Wait::that("Mesos has no task of it either", deadlines::TASK_STATE)
        .until(async || match mesos.state().await {
            Ok(state) if state.frameworks.iter().all(|framework| framework.tasks.is_empty()) => Probe::Ready(()),
            Ok(state) => Probe::NotYet(format!("{:?}", state.frameworks)),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await?;
    cluster.finish().await
}

/// What clients see of a new app, in its order.
#[rstest]
#[tokio::test]
async fn events_tell_its_start(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let mut events = marathon.events().await?;

    marathon.create(&AppSpec::command("/a", SLEEPS)).await?;

    let seen = events
        .until("the deployment of /a succeeds", |event| {
            event.kind == "deployment_success"
        })
        .await?;
    // Each step of a task is told beside them.
    let (changes, seen): (Vec<_>, Vec<_>) = seen.iter().partition(|event| event.kind == "instance_changed_event");
    let conditions: Vec<&str> = changes
        .iter()
        .filter_map(|event| event.data["condition"].as_str())
        .collect();
    check!(conditions.first() == Some(&"Created") && conditions.last() == Some(&"Running"));
    let kinds: Vec<&str> = seen.iter().map(|event| event.kind.as_str()).collect();
    let expected = [
        "api_post_event",
        "group_change_success",
        "deployment_info",
        "deployment_step_success",
        "deployment_info",
        "status_update_event",
        "deployment_step_success",
        "deployment_success",
    ];
    check!(kinds == expected);
    check!(seen[0].data["appDefinition"]["id"] == "/a");
    check!(seen[5].data["taskStatus"] == "TASK_RUNNING");
    check!(
        seen[7].data["plan"]["target"]["apps"][0]["id"] == "/a",
        "the plan is whole"
    );
    cluster.finish().await
}
