//! Agents that come and go.

use harness::client::mesos::{Capability, Framework, FrameworkSpec, Reason, StatusSource, TaskSpec, TaskState};
use harness::component::mesos_agent;
use harness::evidence::{Failure, Verdict};
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

mod readme {
    use harness::client::mesos::FrameworkSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Adding Slaves": `vagrant up mesos-slave2`, and so on to mesos-slave5.
    #[rstest]
    #[case::slave2(2)]
    #[case::slave3(3)]
    #[case::slave4(4)]
    #[case::slave5(5)]
    #[tokio::test]
    async fn started_slave_joins(#[future] cluster: Result<Cluster>, #[case] number: u8) -> Verdict {
        let mut cluster = cluster.await?;

        let slave = cluster.start_slave(number).await?.address().to_string();

        let framework = cluster.framework(FrameworkSpec::new("adding-slaves")).await?;
        let offer = framework
            .await_offer("is of the new slave", |offer| offer.hostname == slave)
            .await?;
        check!(offer.usable().to_string() == "cpus 2, mem 1024 MB, disk 10240 MB, ports 31000-32000");
        check!(
            cluster.mesos().agents().await?.len() == 2,
            "the first slave is still there"
        );
        framework.finish().await?;
        cluster.finish().await
    }
}

/// Starts a second slave, which is offered, and fails where the first is too.
async fn only_another_is_offered(cluster: &mut Cluster, framework: &Framework) -> std::result::Result<(), Failure> {
    let second = cluster.start_slave(2).await?.address().to_string();
    framework
        .await_offer("is of the other agent", |offer| offer.hostname == second)
        .await?;
    check!(
        framework.offers().iter().all(|offer| offer.hostname == second),
        "the first one is not offered"
    );
    Ok(())
}

#[rstest]
#[tokio::test]
async fn deactivated_keeps_its_tasks_and_is_not_offered(#[future] cluster: Result<Cluster>) -> Verdict {
    let mut cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("deactivated")).await?;
    let task = framework.run(TaskSpec::command("stays", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    cluster.mesos().deactivate_agent(task.agent_id()).await?;

    only_another_is_offered(&mut cluster, &framework).await?;
    check!(task.state() == TaskState::TaskRunning, "its task goes on");
    cluster.mesos().reactivate_agent(task.agent_id()).await?;
    framework
        .await_offer("is of the first agent", |offer| offer.agent_id == *task.agent_id())
        .await?;
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn drained_kills_its_tasks_and_is_not_offered(#[future] cluster: Result<Cluster>) -> Verdict {
    let mut cluster = cluster.await?;
    let framework = cluster
        .framework(FrameworkSpec::new("drained").capability(Capability::PartitionAware))
        .await?;
    let task = framework.run(TaskSpec::command("leaves", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    cluster.mesos().drain_agent(task.agent_id(), false).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(status.reason == Some(Reason::AgentDraining));
    only_another_is_offered(&mut cluster, &framework).await?;
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn marked_gone_takes_its_tasks_with_it(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster
        .framework(FrameworkSpec::new("gone").capability(Capability::PartitionAware))
        .await?;
    let task = framework.run(TaskSpec::command("gone", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;

    cluster.lets_end(cluster.slave(1)?, mesos_agent::NAME);
    cluster.mesos().mark_agent_gone(task.agent_id()).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskGoneByOperator);
    check!(status.reason == Some(Reason::AgentRemovedByOperator));
    check!(status.source == Some(StatusSource::SourceMaster));
    check!(cluster.mesos().agents().await?.is_empty());
    framework.finish().await?;
    cluster.finish().await
}
