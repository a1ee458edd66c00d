//! Deployments: rolling upgrades, and the way back.

use harness::client::http::StatusCode;
use harness::client::marathon::{AppSpec, Event};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::json;

use super::{SLEEPS, cluster, ids};

/// How many tasks run after each event, beginning with `running`.
fn counts(events: &[Event], mut running: i64) -> Vec<i64> {
    let change = |event: &Event| match event.data["taskStatus"].as_str() {
        Some("TASK_RUNNING") => 1,
        Some("TASK_KILLED" | "TASK_FAILED" | "TASK_FINISHED" | "TASK_LOST") => -1,
        _ => 0,
    };
    let updates = events.iter().filter(|event| event.kind == "status_update_event");
    updates
        .map(|event| {
            running += change(event);
            running
        })
        .collect()
}

/// The capacity is counted from the events, each of which comes after what it tells.
#[rstest]
#[case::room_for_none(0.5, 0.0, 2, 4)]
#[case::one_by_one(1.0, 0.25, 4, 5)]
#[tokio::test]
async fn upgrade_keeps_the_minimum_capacity(
    #[future] cluster: Result<Cluster>,
    #[case] minimum: f64,
    #[case] over: f64,
    #[case] least: i64,
    #[case] most: i64,
) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon
        .run(&AppSpec::command("/a", SLEEPS).instances(4).upgrade(minimum, over))
        .await?;
    let mut events = marathon.events().await?;

    let started = marathon.update("/a", &json!({ "cmd": "sleep 2000" })).await?;

    let seen = events
        .until("the upgrade succeeds", |event| {
            event.kind == "deployment_success" && event.data["id"] == started.deployment_id.as_str()
        })
        .await?;
    let counts = counts(&seen, 4);
    check!(
        counts.iter().all(|count| *count >= least),
        "never less than {least}: {counts:?}"
    );
    check!(
        counts.iter().all(|count| *count <= most),
        "never more than {most}: {counts:?}"
    );
    let after = marathon.app("/a").await?;
    check!(after.tasks_running == 4 && ids(&before).is_disjoint(&ids(&after)));
    check!(after.tasks.iter().all(|task| task.version == started.version));
    cluster.finish().await
}

/// The new version has something to fetch that is not there, so that no task of it ever runs. The old tasks run on meanwhile, and are the ones that run in the end.
#[rstest]
#[tokio::test]
async fn failing_upgrade_rolls_back(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let before = marathon.run(&AppSpec::command("/a", SLEEPS).instances(2)).await?;

    let broken = json!({ "cmd": "sleep 2000", "uris": ["/nowhere/to/be/found"] });
    let upgrade = marathon.update("/a", &broken).await?;
    let failing = marathon
        .await_app("/a", "a task of the new version fails", |app| {
            app.last_task_failure.is_some()
        })
        .await?;
    check!(ids(&before).is_subset(&ids(&failing)), "the old tasks run on");
    let back = marathon.roll_back(&upgrade).await?;

    marathon.deployed(&back).await?;
    let after = marathon.app("/a").await?;
    check!(after.cmd.as_deref() == Some(SLEEPS));
    check!(ids(&after) == ids(&before), "they were never replaced");
    check!(marathon.deployments().await?.is_empty());
    cluster.finish().await
}

/// An older version is asked for by its name.
#[rstest]
#[tokio::test]
async fn older_version_is_deployed_again(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let first = marathon.run(&AppSpec::command("/a", SLEEPS)).await?;
    let second = marathon.update("/a", &json!({ "cmd": "sleep 2000" })).await?;
    marathon.deployed(&second).await?;

    let third = marathon.update("/a", &json!({ "version": first.version })).await?;

    marathon.deployed(&third).await?;
    let after = marathon.app("/a").await?;
    check!(after.cmd.as_deref() == Some(SLEEPS));
    check!(after.version == third.version, "it is a new version");
    check!(marathon.versions("/a").await? == [third.version, second.version, first.version]);
    cluster.finish().await
}

/// The one that is depended on is started first: the other has no task before it runs.
#[rstest]
#[tokio::test]
async fn dependencies_come_first(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let mut events = marathon.events().await?;
    let web = AppSpec::command("/shop/web", SLEEPS).with("dependencies", json!(["/shop/db"]));
    let db = AppSpec::command("/shop/db", SLEEPS);
    let group = json!({ "id": "/shop", "apps": [web.json(), db.json()] });

    marathon
        .http()
        .post_json("v2/groups", &group)
        .send()
        .await?
        .expect(&[StatusCode::CREATED])?;

    let seen = events
        .until("the group is deployed", |event| event.kind == "deployment_success")
        .await?;
    let running = seen.iter().filter(|event| event.data["taskStatus"] == "TASK_RUNNING");
    let order: Vec<_> = running.filter_map(|event| event.data["appId"].as_str()).collect();
    check!(order == ["/shop/db", "/shop/web"]);
    cluster.finish().await
}
