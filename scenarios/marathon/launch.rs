//! From the launch of a task to its end: what takes too long, and what does not want to go.

use std::time::{Duration, Instant};

use harness::client::marathon::{App, AppSpec};
use harness::component::marathon;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::json;

use super::{cluster, ids};
use crate::fixtures::{STUBBORN, listen};

/// A file that never comes is fetched: connections are taken, and nothing is answered.
#[tokio::test]
async fn overdue_task_is_given_up() -> Verdict {
    let (silent, address) = listen().await?;
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_TASK_LAUNCH_TIMEOUT", "2000")
        .boot()
        .await?;
    let marathon = cluster.marathon();
    let mut events = marathon.events().await?;
    let spec = AppSpec::command("/slow", super::SLEEPS).with("uris", json!([format!("http://{address}/never.txt")]));

    marathon.create(&spec).await?;

    let staged = |app: &App| app.tasks_staged == 1;
    marathon.await_app("/slow", "a task of /slow is staged", staged).await?;
    let end = events
        .wait_for("the end of the overdue task is told", |event| {
            event.kind == "status_update_event"
        })
        .await?;
    let ended = end.data["taskId"].as_str().unwrap_or_default();
    check!(ended.starts_with("slow."));
    check!(end.data["taskStatus"] == "TASK_KILLED" || end.data["taskStatus"] == "TASK_FAILED");
    let next = marathon
        .await_app("/slow", "another task is staged", |app| {
            staged(app) && app.tasks.iter().all(|task| task.id != ended)
        })
        .await?;
    check!(next.tasks_running == 0);
    drop(silent);
    cluster.finish().await
}

/// It gets SIGTERM, has its time, and is TASK_KILLING meanwhile, where Marathon is told to ask for that.
#[tokio::test]
async fn killed_task_has_its_grace_period() -> Verdict {
    const GRACE_SECONDS: u64 = 8;
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_ENABLE_FEATURES", "task_killing")
        .boot()
        .await?;
    let marathon = cluster.marathon();
    let spec = AppSpec::command("/a", STUBBORN).with("taskKillGracePeriodSeconds", json!(GRACE_SECONDS));
    let app = marathon.run(&spec).await?;
    let sandbox = super::sandbox(&cluster, &app.tasks[0]).await?;
    sandbox.await_text("stdout", "ready").await?;
    let mut events = marathon.events().await?;

    let began = Instant::now();
    marathon.kill_task(&app.tasks[0], false).await?;

    marathon
        .await_app("/a", "the task is ending", |now| {
            let ending = now.tasks.iter().find(|task| task.id == app.tasks[0].id);
            ending.is_some_and(|task| task.state.as_deref() == Some("TASK_KILLING"))
        })
        .await?;
    let end = events
        .wait_for("its end is told", |event| event.data["taskStatus"] == "TASK_KILLED")
        .await?;
    check!(end.data["taskId"] == app.tasks[0].id.as_str());
    check!(
        began.elapsed() >= Duration::from_secs(GRACE_SECONDS),
        "not before its time"
    );
    sandbox.await_text("stdout", "got SIGTERM").await?;
    let next = marathon
        .await_app("/a", "another task of /a runs", |now| {
            now.tasks_running == 1 && ids(now).is_disjoint(&ids(&app))
        })
        .await?;
    check!(next.tasks.len() == 1);
    cluster.finish().await
}

/// The port that is required is the task's, under its name too; a second task of one agent has to wait for it.
#[rstest]
#[tokio::test]
async fn required_port_is_the_tasks(#[future] cluster: Result<Cluster>) -> Verdict {
    const PORT: u16 = 31_500;
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let ports = json!([{ "port": PORT, "name": "http-api", "protocol": "tcp" }]);
    let spec = AppSpec::command("/a", "env > environment; sleep 1000")
        .with("portDefinitions", ports)
        .with("requirePorts", json!(true));

    let app = marathon.run(&spec).await?;
    marathon.scale("/a", 2).await?;

    check!(app.tasks[0].ports == [PORT] && app.ports == [PORT]);
    let sandbox = super::sandbox(&cluster, &app.tasks[0]).await?;
    let environment = sandbox.await_text("environment", "MARATHON_APP_ID").await?;
    for variable in ["PORT", "PORT0", "PORT_HTTP_API", "PORT_31500"] {
        check_contains!(environment, format!("{variable}={PORT}\n"));
    }
    let waits = marathon
        .await_queued("/a", "the second task waits for the port", |item| {
            !item.reasons().is_empty()
        })
        .await?;
    check!(waits.count == 1 && waits.reasons() == ["InsufficientPorts"]);
    cluster.finish().await
}

/// One agent's resources are a role's own: an app says which it takes.
#[rstest]
#[case::reserved("ads", 2)]
#[case::anybodys("*", 1)]
#[tokio::test]
async fn resources_come_from_accepted_roles(#[case] role: &str, #[case] slave: u8) -> Verdict {
    let cluster = Cluster::builder()
        .slaves(2)
        .role(2, "ads")
        .marathon()
        .env(marathon::NAME, "MARATHON_MESOS_ROLE", "ads")
        .boot()
        .await?;
    let spec = AppSpec::command("/a", super::SLEEPS)
        .instances(2)
        .with("acceptedResourceRoles", json!([role]));

    let app = cluster.marathon().run(&spec).await?;

    let host = cluster.slave(slave)?.address().to_string();
    check!(app.tasks.len() == 2 && app.tasks.iter().all(|task| task.host == host));
    cluster.finish().await
}
