//! Tasks that outlive their agent.

use harness::client::mesos::operator::Container;
use harness::client::mesos::{
    Capability, Framework, FrameworkSpec, Reason, StatusSource, TaskHandle, TaskSpec, TaskState,
};
use harness::component::{mesos_agent, mesos_master};
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

/// The agent is killed as a crash kills it. The executor's process must be the same one afterwards, and obey.
#[rstest]
#[tokio::test]
async fn task_survives_its_agents_crash(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("survivor").checkpoint()).await?;
    let task = framework.run(TaskSpec::command("survives", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let before = slave.agent().get_containers().await?;
    let told = task.history();

    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await?;

    let after = slave.agent().get_containers().await?;
    let pid = |all: &[Container]| all[0].container_status.clone()?.executor_pid;
    check!(
        before.len() == 1 && after.len() == 1,
        "its container is there, before and after"
    );
    check!(
        after[0].container_id == before[0].container_id,
        "it is the same container"
    );
    check!(
        pid(&after).is_some() && pid(&after) == pid(&before),
        "in the same process"
    );
    check!(task.history() == told, "its framework was told nothing");
    task.kill().await?;
    let end = task.await_terminal().await?;
    check!(end.state == TaskState::TaskKilled && end.source == Some(StatusSource::SourceExecutor));
    framework.finish().await?;
    cluster.finish().await
}

/// What happened while the agent was down reaches the framework when it is back.
#[rstest]
#[tokio::test]
async fn end_while_the_agent_is_down_is_told_later(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("late-news").checkpoint()).await?;
    let ends = TaskSpec::command("ends", "echo $$ > pid; while [ ! -f go ]; do sleep 0.1; done; exit 7");
    let task = framework.run(ends).await?;
    let sandbox = cluster.sandbox(&task).await?;
    let pid = sandbox.await_text("pid", "\n").await?;
    let shell = cluster.shell(slave).await?;
    task.await_state(TaskState::TaskRunning).await?;

    cluster.kill(slave, mesos_agent::NAME).await?;
    let ended = format!(
        "sudo touch {0}/go; while [ -d /proc/{1} ]; do sleep 0.1; done",
        sandbox.directory(),
        pid.trim()
    );
    shell
        .run(ExecSpec::new(["timeout", "20", "sh", "-c", &ended]))
        .await?
        .success()?;
    check!(task.state() == TaskState::TaskRunning, "nobody can tell its framework");
    cluster.revive_agent(slave).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check_contains!(status.message.unwrap_or_default(), "exited with status 7");
    framework.finish().await?;
    cluster.finish().await
}

/// The master asks every two seconds and gives up after four unanswered questions, instead of Mesos' 75 s.
async fn impatient() -> Result<Cluster> {
    Cluster::builder()
        .env(mesos_master::NAME, "MESOS_AGENT_PING_TIMEOUT", "2secs")
        .env(mesos_master::NAME, "MESOS_MAX_AGENT_PING_TIMEOUTS", "4")
        .boot()
        .await
}

/// A framework that is told when its agent cannot be reached, and a task that runs.
async fn patient(cluster: &Cluster) -> Result<(Framework, TaskHandle)> {
    let partition_aware = FrameworkSpec::new("patient")
        .checkpoint()
        .capability(Capability::PartitionAware);
    let framework = cluster.framework(partition_aware).await?;
    let task = framework.run(TaskSpec::command("waits", "sleep 1000")).await?;
    task.await_state(TaskState::TaskRunning).await?;
    Ok((framework, task))
}

#[tokio::test]
async fn silent_agent_is_unreachable_until_it_returns() -> Verdict {
    let cluster = impatient().await?;
    let slave = cluster.slave(1)?;
    let (framework, task) = patient(&cluster).await?;

    cluster.kill(slave, mesos_agent::NAME).await?;
    let lost = task.await_state(TaskState::TaskUnreachable).await?;
    let away = cluster.mesos().state().await?;
    cluster.revive_agent(slave).await?;

    check!(lost.source == Some(StatusSource::SourceMaster) && lost.reason == Some(Reason::AgentRemoved));
    check!(away.unreachable_slaves == 1.0 && away.slaves.is_empty());
    let back = task
        .await_status("is back", |status| status.reason == Some(Reason::AgentReregistered))
        .await?;
    check!(back.state == TaskState::TaskRunning, "the task ran all the time");
    let agent = cluster.mesos().await_agent(&slave.address().to_string()).await?;
    check!(agent.id == *task.agent_id(), "the agent kept its id");
    framework.finish().await?;
    cluster.finish().await
}

/// Unlike one that is dead, it goes on with its tasks meanwhile. Cut off in one direction it is as silent.
#[rstest]
#[case::in_both_directions(false)]
#[case::deaf(true)]
#[tokio::test]
async fn cut_off_agent_is_unreachable_until_it_heals(#[case] deaf: bool) -> Verdict {
    let cluster = impatient().await?;
    let (slave, master) = (cluster.slave(1)?, cluster.master());
    let (framework, task) = patient(&cluster).await?;
    let before = slave.agent().get_containers().await?;

    let partition = match deaf {
        true => cluster.deafen(slave, &[&master]).await?,
        false => cluster.partition(slave, &[&master]).await?,
    };

    task.await_state(TaskState::TaskUnreachable).await?;
    let during = slave.agent().get_containers().await?;
    check!(
        during.len() == 1 && during[0].container_id == before[0].container_id,
        "the task runs on"
    );
    partition.heal().await?;
    let back = task
        .await_status("is back", |status| status.reason == Some(Reason::AgentReregistered))
        .await?;
    check!(back.state == TaskState::TaskRunning);
    let agent = cluster.mesos().await_agent(&slave.address().to_string()).await?;
    check!(agent.id == *task.agent_id(), "the agent kept its id");
    framework.finish().await?;
    cluster.finish().await
}
