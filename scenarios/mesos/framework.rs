//! Frameworks that go and come back.

use std::time::Duration;

use harness::client::mesos::{FrameworkSpec, Reason, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

#[rstest]
#[tokio::test]
async fn failover_keeps_its_tasks(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let spec = FrameworkSpec::new("failover").failover_timeout(Duration::from_secs(600));
    let first = cluster.framework(spec.clone()).await?;
    let task = first.run(TaskSpec::command("outlives", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    let id = first.disconnect().await;
    let second = cluster.framework(spec.id(id.clone())).await?;

    check!(*second.id() == id, "it is the framework that it was");
    let task = second.adopt(&task);
    second.reconcile().await?;
    let told = task
        .await_status("is reconciled", |status| status.reason == Some(Reason::Reconciliation))
        .await?;
    check!(told.state == TaskState::TaskRunning);
    task.kill().await?;
    check!(
        task.await_terminal().await?.state == TaskState::TaskKilled,
        "it obeys the second scheduler"
    );
    second.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn without_failover_timeout_takes_its_tasks(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("gone")).await?;
    let task = framework.run(TaskSpec::command("ends", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let mut events = cluster.mesos().subscribe().await?;

    let id = framework.disconnect().await;

    events.await_framework_removed(&id).await?;
    let tasks = cluster.mesos().get_tasks().await?;
    check!(tasks.tasks.is_empty(), "nothing of it runs");
    check!(tasks.completed_tasks.iter().map(|task| task.state).collect::<Vec<_>>() == [TaskState::TaskKilled]);
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn joins_and_leaves_roles_while_it_runs(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let mut framework = cluster
        .framework(FrameworkSpec::new("roles").roles(["first", "second"]))
        .await?;
    // There is one agent: what the one role declines is offered to the other.
    let one = framework.await_offer("comes", |_| true).await?;
    framework.decline(&one).await?;
    let other = framework
        .await_next_offer("is for the other role", |offer| offer.role() != one.role())
        .await?;
    let mut both = [one.role(), other.role()];
    both.sort_unstable();
    check!(both == ["first", "second"]);

    framework.change_roles(["third"]).await?;

    framework
        .await_offer("is for the new role", |offer| offer.role() == "third")
        .await?;
    let offers = framework.offers();
    check!(
        offers.iter().all(|offer| offer.role() == "third"),
        "no offer of a role that it left stands"
    );
    let frameworks = cluster.mesos().get_frameworks().await?.frameworks;
    let roles = frameworks.first().map(|known| known.framework_info.roles.clone());
    check!(roles == Some(vec!["third".to_owned()]));
    framework.finish().await?;
    cluster.finish().await
}
