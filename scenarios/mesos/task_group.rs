//! Task groups (pods): several tasks under one default executor.

use std::time::Duration;

use harness::client::mesos::operator::Container;
use harness::client::mesos::task::CheckStatus;
use harness::client::mesos::{
    Check, FrameworkSpec, HealthCheck, Reason, StatusSource, TaskGroupSpec, TaskSpec, TaskState, TaskStatus,
};
use harness::evidence::{Verdict, not_applicable};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::health::{PORT, connected, http_status, server};
use crate::fixtures::{GRACE, STUBBORN, cluster, lacks_perl};

/// Says when it got SIGTERM, and then ends.
const OBEDIENT: &str = "trap 'echo got SIGTERM; exit 0' TERM; echo ready; while :; do sleep 0.05; done";

/// Each task writes a file of the same name: were the sandbox one, there would be one content.
#[rstest]
#[tokio::test]
async fn tasks_finish_each_in_its_own_sandbox(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("two-sandboxes")).await?;
    let writes = |name: &str| TaskSpec::command(name, format!("echo out-{name}; echo file-{name} > file"));

    let tasks = framework
        .run_group(TaskGroupSpec::new("pod").task(writes("one")).task(writes("two")))
        .await?;

    let mut executors = Vec::new();
    let mut containers = Vec::new();
    for (task, name) in tasks.iter().zip(["one", "two"]) {
        let status = task.await_terminal().await?;
        check!(status.state == TaskState::TaskFinished);
        let sandbox = cluster.sandbox(task).await?;
        let file = |file: &str| format!("tasks/{}/{file}", task.id());
        check!(sandbox.text(&file("file")).await? == format!("file-{name}\n"));
        check_contains!(sandbox.text(&file("stdout")).await?, format!("out-{name}\n"));
        executors.push(status.executor_id);
        containers.push(status.container_status.and_then(|status| status.container_id));
    }
    check!(executors[0] == executors[1], "one executor runs both");
    check!(executors[0].is_some(), "and says who it is");
    check!(
        containers[0] != containers[1] && containers.iter().all(Option::is_some),
        "each is in a container of its own"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn failing_task_ends_the_group(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("failing-pod")).await?;

    let tasks = framework
        .run_group(
            TaskGroupSpec::new("pod")
                .task(TaskSpec::command("fails", "exit 7"))
                .task(TaskSpec::command("lives", "sleep 3600")),
        )
        .await?;
    let [fails, lives] = &tasks[..] else {
        return Err(harness::Error::internal("two tasks have two handles").into());
    };

    let failed = fails.await_terminal().await?;
    check!(failed.state == TaskState::TaskFailed);
    check_contains!(failed.message.unwrap_or_default(), "exited with status 7");
    check!(lives.await_terminal().await?.state == TaskState::TaskKilled);
    framework.finish().await?;
    cluster.finish().await
}

/// The killed task ignores SIGTERM, and its grace period is its own; the other one gets SIGTERM when that is over.
#[rstest]
#[tokio::test]
async fn killing_one_task_kills_the_group(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("killed-pod")).await?;
    let tasks = framework
        .run_group(
            TaskGroupSpec::new("pod")
                .task(TaskSpec::command("stubborn", STUBBORN).kill_grace(GRACE))
                .task(TaskSpec::command("obedient", OBEDIENT)),
        )
        .await?;
    let [stubborn, obedient] = &tasks[..] else {
        return Err(harness::Error::internal("two tasks have two handles").into());
    };
    let sandbox = cluster.sandbox(stubborn).await?;
    let stdout = |task: &harness::client::mesos::TaskHandle| format!("tasks/{}/stdout", task.id());
    for task in [stubborn, obedient] {
        sandbox.await_text(&stdout(task), "ready").await?;
    }

    let killed = std::time::Instant::now();
    stubborn.kill().await?;

    let status = stubborn.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(killed.elapsed() >= GRACE, "it lives as long as its grace period");
    check_contains!(
        sandbox.text(&stdout(stubborn)).await?,
        "got SIGTERM",
        "it gets SIGTERM first"
    );
    check_contains!(status.message.unwrap_or_default(), "Killed", "SIGKILL ends it");
    check!(obedient.await_terminal().await?.state == TaskState::TaskKilled);
    check_contains!(
        sandbox.text(&stdout(obedient)).await?,
        "got SIGTERM",
        "the other gets SIGTERM too"
    );
    framework.finish().await?;
    cluster.finish().await
}

/// What a task's own container has, and its executor's has not, is the variable; the file is in the task's sandbox.
#[rstest]
#[tokio::test]
async fn command_checks_run_in_the_tasks_container(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("checked-pod")).await?;
    let sees = HealthCheck::command("grep -q yes looked").grace_period(Duration::from_secs(30));
    let looks = Check::command("echo $MINE > looked; sleep 1000").timeout(Duration::from_secs(60));
    let one = TaskSpec::command("one", "sleep 1000").env("MINE", "yes");
    let two = TaskSpec::command("two", "sleep 1000").check(Check::command("test -f looked"));
    let group = TaskGroupSpec::new("pod").task(one.check(looks).health_check(sees));

    let tasks = framework.run_group(group.task(two)).await?;

    let healthy = tasks[0]
        .await_status("is healthy", |status| status.healthy == Some(true))
        .await?;
    check!(healthy.reason == Some(Reason::TaskHealthCheckStatusUpdated));
    check!(healthy.source == Some(StatusSource::SourceExecutor));
    let of_task = healthy.container_status.and_then(|status| status.container_id);
    let containers = cluster.slave(1)?.agent().get_containers().await?;
    // GET_CONTAINERS gives the whole id only here.
    let parent = |one: Container| one.container_status?.container_id?.parent;
    let mut parents = containers.into_iter().filter_map(parent);
    check!(
        parents.any(|parent| Some(&*parent) == of_task.as_ref()),
        "the look that goes on is in a container beneath the task's"
    );
    let code = |status: &TaskStatus| status.check_status.clone()?.command?.exit_code;
    let other = tasks[1]
        .await_status("is checked", |status| code(status) == Some(1))
        .await?;
    check!(
        other.reason == Some(Reason::TaskCheckStatusUpdated),
        "its sandbox has no such file"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn failing_health_check_ends_the_group(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("sick-pod")).await?;
    let fails = HealthCheck::command("false").grace_period(Duration::ZERO);
    let sick = TaskSpec::command("sick", "sleep 1000").health_check(fails.consecutive_failures(2));
    let group = TaskGroupSpec::new("pod").task(sick);

    let tasks = framework
        .run_group(group.task(TaskSpec::command("well", "sleep 1000")))
        .await?;

    let status = tasks[0].await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(status.healthy == Some(false));
    check!(tasks[1].await_terminal().await?.state == TaskState::TaskKilled);
    framework.finish().await?;
    cluster.finish().await
}

/// One serves, one asks it, and one asks a port that nobody listens on: they share the agent's network.
#[rstest]
#[tokio::test]
async fn http_and_tcp_checks_ask_its_tasks(#[future] cluster: Result<Cluster>) -> Verdict {
    const START: Duration = Duration::from_secs(30);
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &["IO::Socket::INET"]).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("asked-pod")).await?;
    let sleeps = |name: &str| TaskSpec::command(name, "sleep 1000");
    let serves =
        TaskSpec::command("serves", server(&["200 OK"])).health_check(HealthCheck::http(PORT, "/").grace_period(START));
    let asks = sleeps("asks").health_check(HealthCheck::tcp(PORT).grace_period(START));
    let in_vain = sleeps("in-vain").check(Check::tcp(PORT + 1));
    let group = TaskGroupSpec::new("pod").task(serves.check(Check::tcp(PORT)));

    let tasks = framework
        .run_group(group.task(asks.check(Check::http(PORT, "/"))).task(in_vain))
        .await?;

    for task in &tasks[..2] {
        let healthy = task
            .await_status("is healthy", |status| status.healthy == Some(true))
            .await?;
        check!(healthy.state == TaskState::TaskRunning);
    }
    for (task, found, value) in [
        (&tasks[0], connected as fn(&CheckStatus) -> Option<u32>, 1),
        (&tasks[1], http_status, 200),
        (&tasks[2], connected, 0),
    ] {
        let status = task
            .await_status(&format!("is told of {value}"), |status| {
                status.check_status.as_ref().and_then(found) == Some(value)
            })
            .await?;
        check!(status.state == TaskState::TaskRunning);
    }
    check!(tasks[2].state() == TaskState::TaskRunning, "a check kills nobody");
    framework.finish().await?;
    cluster.finish().await
}
