//! Limits that an agent enforces.

use harness::Cluster;
use harness::check;
use harness::client::mesos::{FrameworkSpec, Reason, StatusSource, TaskSpec, TaskState};
use harness::component::mesos_agent;
use harness::evidence::Verdict;

/// The agent measures every second with `du`, which needs nothing of the kernel, instead of every 15 s.
#[tokio::test]
async fn task_over_its_disk_is_ended() -> Verdict {
    let cluster = Cluster::builder()
        .env(mesos_agent::NAME, "MESOS_ISOLATION", "posix/cpu,posix/mem,disk/du")
        .env(mesos_agent::NAME, "MESOS_ENFORCE_CONTAINER_DISK_QUOTA", "true")
        .env(mesos_agent::NAME, "MESOS_CONTAINER_DISK_WATCH_INTERVAL", "1secs")
        .boot()
        .await?;
    let framework = cluster.framework(FrameworkSpec::new("disk")).await?;
    let modest = TaskSpec::command("modest", "head -c 1M /dev/zero > file; sleep 1000").disk(16.0);
    let modest = framework.run(modest).await?;
    modest.await_state(TaskState::TaskRunning).await?;

    let greedy = TaskSpec::command("greedy", "head -c 48M /dev/zero > file; sleep 1000").disk(16.0);
    let greedy = framework.run(greedy).await?;

    let status = greedy.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ContainerLimitationDisk));
    check!(status.source == Some(StatusSource::SourceAgent));
    check!(
        modest.state() == TaskState::TaskRunning,
        "one that keeps within its disk goes on"
    );
    framework.finish().await?;
    cluster.finish().await
}
