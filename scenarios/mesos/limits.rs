//! Limits that an agent enforces.

use harness::client::mesos::{FrameworkSpec, Reason, StatusSource, TaskSpec, TaskState};
use harness::component::mesos_agent;
use harness::docker::exec::ExecSpec;
use harness::evidence::{Verdict, inapplicable, not_applicable};
use harness::{Cluster, Result, check, check_contains};

use crate::fixtures::touch;

/// Holds what it reads in memory, all of it. What the kernel kills of it is not what ends the task.
const GREEDY: &str = "head -c 200M /dev/zero | tail; sleep 1000";

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

#[tokio::test]
async fn task_over_its_memory_is_ended() -> Verdict {
    if let Some(why) = inapplicable().await? {
        return not_applicable(why);
    }
    let cluster = Cluster::builder().enforced_limits().boot().await?;
    let framework = cluster.framework(FrameworkSpec::new("memory")).await?;
    let modest = TaskSpec::command("modest", "sleep 1000").resources(0.1, 64.0);
    let modest = framework.run(modest).await?;
    modest.await_state(TaskState::TaskRunning).await?;

    let greedy = framework
        .run(TaskSpec::command("greedy", GREEDY).resources(0.1, 64.0))
        .await?;

    let status = greedy.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ContainerLimitationMemory));
    check!(status.source == Some(StatusSource::SourceAgent));
    check_contains!(status.message.unwrap_or_default(), "Memory limit exceeded");
    check!(
        modest.state() == TaskState::TaskRunning,
        "one that keeps within its memory goes on"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// Two seconds of a loop that would take a whole CPU. The executor's own tenth of one is the task's as well.
#[tokio::test]
async fn task_gets_no_more_cpu_than_it_has() -> Verdict {
    if let Some(why) = inapplicable().await? {
        return not_applicable(why);
    }
    let cluster = Cluster::builder().enforced_limits().boot().await?;
    let framework = cluster.framework(FrameworkSpec::new("cpu")).await?;

    let burns = "timeout 2 sh -c 'while :; do :; done'; times; touch burnt; sleep 1000";
    let task = framework
        .run(TaskSpec::command("burns", burns).resources(0.2, 32.0))
        .await?;

    let sandbox = cluster.sandbox(&task).await?;
    let times = sandbox.await_text("stdout", "s\n").await?;
    check!(
        seconds_of_children(&times).is_some_and(|used| used < 1.0),
        "it used no more than its share: {times}"
    );
    check!(cpu_setting(&cluster, "cpu.cfs_quota_us").await? == "30000");
    check!(cpu_setting(&cluster, "cpu.cfs_period_us").await? == "100000");
    check!(cpu_setting(&cluster, "cpu.shares").await? == "307");
    framework.finish().await?;
    cluster.finish().await
}

/// Of what the shell's `times` prints: its own user and system time, then that of its children, as `0m1.530s 0m0.010s`.
fn seconds_of_children(times: &str) -> Option<f64> {
    let children = times.lines().find(|line| line.starts_with("0m")).and_then(|own| {
        let after = times.split(own).nth(1)?;
        after.lines().find(|line| line.starts_with("0m"))
    })?;
    let user = children.split_whitespace().next()?.strip_prefix("0m")?;
    user.strip_suffix('s')?.parse().ok()
}

/// A file of the cgroup of the one container on the first slave.
async fn cpu_setting(cluster: &Cluster, file: &str) -> Result<String> {
    let slave = cluster.slave(1)?;
    let container = slave.agent().get_containers().await?.swap_remove(0);
    let pid = container.container_status.and_then(|status| status.executor_pid);
    let pid = pid.ok_or_else(|| harness::Error::internal("a running container has a process"))?;
    let read = format!("cat /sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:cpu[,:][^/]*//p' /proc/{pid}/cgroup)/{file}");
    let said = slave
        .exec(mesos_agent::NAME, ExecSpec::new(["sh", "-c", &read]))
        .await?;
    Ok(said.success()?.stdout.trim().to_owned())
}

/// The agent that finds the task again must go on watching it.
#[tokio::test]
async fn recovered_task_keeps_its_limits() -> Verdict {
    if let Some(why) = inapplicable().await? {
        return not_applicable(why);
    }
    let cluster = Cluster::builder().enforced_limits().boot().await?;
    let slave = cluster.slave(1)?;
    let framework = cluster.framework(FrameworkSpec::new("recovered").checkpoint()).await?;
    let waits = format!("while [ ! -f go ]; do sleep 0.1; done; {GREEDY}");
    let task = framework
        .run(TaskSpec::command("waits", waits).resources(0.1, 64.0))
        .await?;
    task.await_state(TaskState::TaskRunning).await?;
    let told = task.history();

    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await?;

    check!(task.history() == told, "its framework was told nothing");
    touch(&cluster, &cluster.sandbox(&task).await?, "go").await?;
    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFailed);
    check!(status.reason == Some(Reason::ContainerLimitationMemory));
    framework.finish().await?;
    cluster.finish().await
}
