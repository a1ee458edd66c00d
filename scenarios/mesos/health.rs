//! Health checks, which kill, and checks, which only report.

use std::time::Duration;

use harness::client::mesos::{
    Check, FrameworkSpec, HealthCheck, Reason, StatusSource, TaskSpec, TaskState, TaskStatus,
};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

const PORT: u16 = 31500;

/// Answers every connection to [`PORT`] with this status of HTTP, in the Perl that every Debian has.
fn server(status: &str) -> String {
    format!(
        r#"exec perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new(LocalPort => {PORT}, Listen => 9, ReuseAddr => 1) or die;
            while (my $c = $s->accept) {{ sysread($c, my $request, 4096);
                print $c "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; close $c }}'"#
    )
}

#[rstest]
#[case::command("sleep 1000".to_owned(), HealthCheck::command("true"))]
#[case::http(server("200 OK"), HealthCheck::http(PORT, "/health"))]
#[case::http_redirect(server("399 Further"), HealthCheck::http(PORT, "/"))]
#[case::tcp(server("500 Broken"), HealthCheck::tcp(PORT))]
#[tokio::test]
async fn check_that_succeeds_makes_the_task_healthy(
    #[future] cluster: Result<Cluster>,
    #[case] command: String,
    #[case] health: HealthCheck,
) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("healthy")).await?;

    // It fails until the server listens: that must not count yet.
    let health = health.grace_period(Duration::from_secs(30));
    let task = framework
        .run(TaskSpec::command("healthy", command).health_check(health))
        .await?;

    let status = task
        .await_status("is healthy", |status| status.healthy == Some(true))
        .await?;
    check!(status.state == TaskState::TaskRunning);
    check!(status.source == Some(StatusSource::SourceExecutor));
    check!(status.reason == Some(Reason::TaskHealthCheckStatusUpdated));
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[case::command("sleep 1000".to_owned(), HealthCheck::command("false"))]
#[case::http(server("500 Broken"), HealthCheck::http(PORT, "/health"))]
#[case::tcp("sleep 1000".to_owned(), HealthCheck::tcp(PORT))]
#[tokio::test]
async fn check_that_fails_too_often_kills_the_task(
    #[future] cluster: Result<Cluster>,
    #[case] command: String,
    #[case] health: HealthCheck,
) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("unhealthy")).await?;

    let unhealthy = TaskSpec::command("unhealthy", command).health_check(health.consecutive_failures(2));
    let task = framework.run(unhealthy).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(status.healthy == Some(false), "the last word is that it was unhealthy");
    let warned = task
        .history()
        .iter()
        .any(|status| status.state == TaskState::TaskRunning && status.healthy == Some(false));
    check!(warned, "it was said to be unhealthy while it ran");
    framework.finish().await?;
    cluster.finish().await
}

/// The file that decides is made by the task itself, so that both results are seen, in this order.
#[rstest]
#[tokio::test]
async fn command_check_reports_its_exit_code(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("checked")).await?;
    let checked = TaskSpec::command("checked", "sleep 2; touch ready; sleep 1000");
    let task = framework
        .run(checked.check(Check::command("test -f ready || exit 3")))
        .await?;
    let code = |status: &TaskStatus| status.check_status.clone()?.command?.exit_code;

    let before = task
        .await_status("is not ready", |status| code(status) == Some(3))
        .await?;
    let after = task.await_status("is ready", |status| code(status) == Some(0)).await?;

    check!(before.state == TaskState::TaskRunning && after.state == TaskState::TaskRunning);
    check!(after.reason == Some(Reason::TaskCheckStatusUpdated));
    check!(after.healthy.is_none(), "a check says nothing about health");
    framework.finish().await?;
    cluster.finish().await
}
