//! Agents that fall silent: their tasks are replaced, and there is not one too many when they are back.

use harness::await_until::{Probe, Wait};
use harness::client::marathon::AppSpec;
use harness::component::{mesos_agent, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, deadlines};
use rstest::rstest;
use serde_json::json;

use super::{SLEEPS, ids};

/// Two slaves, and a master that gives an agent up after eight seconds instead of Mesos' 75.
async fn impatient() -> Result<Cluster> {
    Cluster::builder()
        .marathon()
        .slaves(2)
        .env(mesos_master::NAME, "MESOS_AGENT_PING_TIMEOUT", "2secs")
        .env(mesos_master::NAME, "MESOS_MAX_AGENT_PING_TIMEOUTS", "4")
        .boot()
        .await
}

/// The task of the lost agent is kept as unreachable until it is expunged; from the moment it is inactive there is
/// another one.
#[rstest]
#[case::inactive(json!({ "inactiveAfterSeconds": 1, "expungeAfterSeconds": 600 }), true)]
#[case::expunged(json!({ "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 }), false)]
#[tokio::test]
async fn task_of_a_silent_agent_is_replaced(#[case] strategy: serde_json::Value, #[case] is_kept: bool) -> Verdict {
    let cluster = impatient().await?;
    let marathon = cluster.marathon();
    let spec = AppSpec::command("/a", SLEEPS).with("unreachableStrategy", strategy);
    let before = marathon.run(&spec).await?;
    let host = before.tasks[0].host.clone();
    let lost = cluster.node_of(&host)?;
    let mut events = marathon.events().await?;

    cluster.kill(lost, mesos_agent::NAME).await?;

    let told = events
        .wait_for("Marathon tells that the task cannot be reached", |event| {
            event.data["taskStatus"] == "TASK_UNREACHABLE"
        })
        .await?;
    check!(told.data["taskId"] == before.tasks[0].id.as_str());
    let during = marathon
        .await_app("/a", "another task of /a runs elsewhere", |app| {
            let elsewhere = |state: &str| {
                app.tasks
                    .iter()
                    .filter(|task| task.host != host && task.state.as_deref() == Some(state))
                    .count()
            };
            elsewhere("TASK_RUNNING") == 1 && ids(&before).is_subset(&ids(app)) == is_kept
        })
        .await?;
    check!(during.tasks_running == 1, "the lost one does not count: {during:?}");

    cluster.revive_agent(lost).await?;
    // The agent is back before Marathon hears of the task on it. That there is one too many shows by its end.
    let kept = one_of_two(&cluster).await?;
    let after = marathon
        .await_app("/a", "one task of /a is left", |app| {
            app.tasks.len() == 1 && app.tasks_running == 1
        })
        .await?;
    check!(after.tasks[0].id == kept);
    cluster.finish().await
}

/// The id of the task that runs, as soon as Mesos has one of Marathon's two tasks running and the other one ended.
async fn one_of_two(cluster: &Cluster) -> Result<String> {
    let mesos = cluster.mesos();
    Wait::that("one of two tasks has ended", deadlines::TASK_STATE)
        .until(async || match mesos.state().await {
            Ok(state) => {
                let of_marathon = state.frameworks.iter().find(|framework| framework.name == "marathon");
                match of_marathon.map(|all| (&all.tasks[..], &all.completed_tasks[..])) {
                    Some(([runs], [_])) => Probe::Ready(runs.id.to_string()),
                    other => Probe::NotYet(format!("running and ended are {other:?}")),
                }
            }
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
