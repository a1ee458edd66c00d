//! Health checks, which kill, and checks, which only report.

use std::time::Duration;

use harness::client::mesos::task::CheckStatus;
use harness::client::mesos::{
    Check, FrameworkSpec, HealthCheck, Reason, StatusSource, TaskSpec, TaskState, TaskStatus,
};
use harness::evidence::{Verdict, not_applicable};
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::{cluster, lacks_perl, touch};

pub(super) const PORT: u16 = 31500;
const SLEEPS: &str = "sleep 1000";
/// How long failures before the first success may go on: until a server listens.
const START: Duration = Duration::from_secs(30);

/// Answers requests to [`PORT`] with these statuses of HTTP in turn, and then with the last of them; says `asked` at
/// each.
pub(super) fn server(statuses: &[&str]) -> String {
    let statuses = statuses.join("}, q{");
    format!(
        r#"exec perl -MIO::Socket::INET -e '
            $| = 1; $SIG{{PIPE}} = "IGNORE"; my @statuses = (q{{{statuses}}});
            my $s = IO::Socket::INET->new(LocalPort => {PORT}, Listen => 9, ReuseAddr => 1) or die;
            while (my $c = $s->accept) {{
                if (sysread($c, my $request, 4096)) {{
                    my $status = @statuses > 1 ? shift @statuses : $statuses[0];
                    print "asked\n";
                    print $c "HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                }}
                close $c }}'"#
    )
}

/// What the node lacks to run `command`, if anything.
async fn lacks(cluster: &Cluster, command: &str) -> Result<Option<String>> {
    if command == SLEEPS {
        return Ok(None);
    }
    lacks_perl(cluster, &["IO::Socket::INET"]).await
}

#[rstest]
#[case::command(SLEEPS.to_owned(), HealthCheck::command("true"))]
#[case::http(server(&["200 OK"]), HealthCheck::http(PORT, "/health"))]
#[case::http_redirect(server(&["399 Further"]), HealthCheck::http(PORT, "/"))]
#[case::tcp(server(&["500 Broken"]), HealthCheck::tcp(PORT))]
#[tokio::test]
async fn check_that_succeeds_makes_the_task_healthy(
    #[future] cluster: Result<Cluster>,
    #[case] command: String,
    #[case] health: HealthCheck,
) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks(&cluster, &command).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("healthy")).await?;

    let health = health.grace_period(START);
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

/// The server is healthy once, which ends the grace period: what follows is its own answers, and no refused connection.
#[rstest]
#[case::command(SLEEPS.to_owned(), HealthCheck::command("false"))]
#[case::http(server(&["200 OK", "500 Broken"]), HealthCheck::http(PORT, "/health").grace_period(START))]
#[case::tcp(SLEEPS.to_owned(), HealthCheck::tcp(PORT))]
#[tokio::test]
async fn check_that_fails_too_often_kills_the_task(
    #[future] cluster: Result<Cluster>,
    #[case] command: String,
    #[case] health: HealthCheck,
) -> Verdict {
    const LIMIT: u32 = 2;
    let cluster = cluster.await?;
    if let Some(said) = lacks(&cluster, &command).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("unhealthy")).await?;
    let serves = command != SLEEPS;

    let unhealthy = TaskSpec::command("unhealthy", command).health_check(health.consecutive_failures(LIMIT));
    let task = framework.run(unhealthy).await?;

    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskKilled);
    check!(status.healthy == Some(false), "the last word is that it was unhealthy");
    let history = task.history();
    let ran = history.iter().filter(|status| status.state == TaskState::TaskRunning);
    let unhealthy = ran.filter(|status| status.healthy == Some(false)).count();
    check!(
        unhealthy == LIMIT as usize,
        "each failure is told while it runs, and the last one kills"
    );
    if serves {
        let asked = cluster
            .sandbox(&task)
            .await?
            .text("stdout")
            .await?
            .matches("asked\n")
            .count();
        check!(asked > LIMIT as usize, "the server was asked each time");
    }
    framework.finish().await?;
    cluster.finish().await
}

/// The file that decides is made after the first result, so that both are seen.
#[rstest]
#[tokio::test]
async fn command_check_reports_its_exit_code(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("checked")).await?;
    let checked = TaskSpec::command("checked", "sleep 1000");
    let task = framework
        .run(checked.check(Check::command("test -f ready || exit 3")))
        .await?;
    let code = |status: &TaskStatus| status.check_status.clone()?.command?.exit_code;

    let before = task
        .await_status("is not ready", |status| code(status) == Some(3))
        .await?;
    touch(&cluster, &cluster.sandbox(&task).await?, "ready").await?;
    let after = task.await_status("is ready", |status| code(status) == Some(0)).await?;

    check!(before.state == TaskState::TaskRunning && after.state == TaskState::TaskRunning);
    check!(after.reason == Some(Reason::TaskCheckStatusUpdated));
    check!(after.healthy.is_none(), "a check says nothing about health");
    framework.finish().await?;
    cluster.finish().await
}

pub(super) fn http_status(status: &CheckStatus) -> Option<u32> {
    status.http.as_ref()?.status_code
}

/// Whether it connected, as a number.
pub(super) fn connected(status: &CheckStatus) -> Option<u32> {
    status.tcp.as_ref()?.succeeded.map(u32::from)
}

/// Of a server that answers 503 and then 200, and of one that listens only when it may.
#[rstest]
#[case::http(server(&["503 Not yet", "200 OK"]), Check::http(PORT, "/"), http_status, [503, 200])]
#[case::tcp(format!("while [ ! -f go ]; do sleep 0.1; done; {}", server(&["200 OK"])), Check::tcp(PORT), connected, [0, 1])]
#[tokio::test]
async fn http_and_tcp_checks_report_what_they_find(
    #[future] cluster: Result<Cluster>,
    #[case] command: String,
    #[case] asks: Check,
    #[case] found: fn(&CheckStatus) -> Option<u32>,
    #[case] expected: [u32; 2],
) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks(&cluster, &command).await? {
        return not_applicable(said);
    }
    let framework = cluster.framework(FrameworkSpec::new("asked")).await?;

    let task = framework.run(TaskSpec::command("asked", command).check(asks)).await?;
    task.await_state(TaskState::TaskRunning).await?;
    let sandbox = cluster.sandbox(&task).await?;

    for value in expected {
        let status = task
            .await_status(&format!("is told of {value}"), |status| {
                status.check_status.as_ref().and_then(found) == Some(value)
            })
            .await?;
        check!(status.state == TaskState::TaskRunning);
        check!(status.reason == Some(Reason::TaskCheckStatusUpdated));
        check!(status.healthy.is_none(), "a check says nothing about health");
        touch(&cluster, &sandbox, "go").await?;
    }
    let history = task.history();
    let told = history
        .iter()
        .filter_map(|status| status.check_status.as_ref().and_then(found));
    check!(told.collect::<Vec<_>>() == expected, "only changes are told");
    framework.finish().await?;
    cluster.finish().await
}
