//! Health checks, those that Marathon makes and those that Mesos makes for it.

use harness::client::marathon::{AppSpec, Check};
use harness::evidence::{Verdict, not_applicable};
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::json;

use super::{cluster, ids, sandbox};
use crate::fixtures::{lacks_perl, touch};

/// Answers every request on the task's first port, as long as there is no file `ill` in its sandbox.
const SERVES: &str = r#"exec perl -MIO::Socket::INET -e '
    $SIG{PIPE} = "IGNORE";
    my $s = IO::Socket::INET->new(LocalPort => $ENV{PORT0}, Listen => 9, ReuseAddr => 1) or die;
    while (my $c = $s->accept) {
        if (sysread($c, my $request, 4096)) {
            my $status = -e "ill" ? "500 Ill" : "200 OK";
            print $c "HTTP/1.1 $status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        }
        close $c }'"#;

/// A deployment with checks ends when they are passed.
#[rstest]
#[case::http(Check::http("/health"))]
#[case::tcp(Check::tcp())]
#[case::mesos_http(Check::new("MESOS_HTTP").with("path", json!("/")).with("portIndex", json!(0)))]
#[case::command(Check::command("true"))]
#[tokio::test]
async fn deployment_waits_for_health(#[future] cluster: Result<Cluster>, #[case] check: Check) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &["IO::Socket::INET"]).await? {
        return not_applicable(said);
    }
    let marathon = cluster.marathon();
    let grace = check.with("gracePeriodSeconds", json!(30));

    let app = marathon.run(&AppSpec::command("/a", SERVES).check(grace)).await?;

    check!(
        app.tasks_healthy == 1 && app.tasks_unhealthy == 0,
        "it is healthy: {app:?}"
    );
    check!(app.tasks[0].health_check_results.iter().all(|result| result.alive));
    cluster.finish().await
}

/// Nobody listens on the port: the check fails until the task is killed, and another one is started.
#[rstest]
#[case::tcp(Check::tcp())]
#[case::http(Check::http("/"))]
#[case::command(Check::command("false"))]
#[tokio::test]
async fn unhealthy_task_is_replaced(#[future] cluster: Result<Cluster>, #[case] check: Check) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let check = check.with("maxConsecutiveFailures", json!(1));
    marathon
        .create(&AppSpec::command("/a", super::SLEEPS).check(check))
        .await?;
    let before = marathon
        .await_app("/a", "a task of /a runs", |app| app.tasks_running == 1)
        .await?;

    let after = marathon
        .await_app("/a", "another task of /a is started", |app| {
            !app.tasks.is_empty() && ids(app).is_disjoint(&ids(&before))
        })
        .await?;

    check!(after.tasks_healthy == 0);
    cluster.finish().await
}

/// Its process goes on and says that it is ill. Subscribers are told before it is killed.
#[rstest]
#[tokio::test]
async fn events_tell_of_health(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    if let Some(said) = lacks_perl(&cluster, &["IO::Socket::INET"]).await? {
        return not_applicable(said);
    }
    let marathon = cluster.marathon();
    let check = Check::http("/")
        .with("maxConsecutiveFailures", json!(1))
        .with("timeoutSeconds", json!(60))
        .with("gracePeriodSeconds", json!(30));
    let mut events = marathon.events().await?;

    marathon.create(&AppSpec::command("/a", SERVES).check(check)).await?;

    let alive = |value: bool| {
        move |event: &harness::client::marathon::Event| {
            event.kind == "health_status_changed_event" && event.data["alive"] == value
        }
    };
    let well = events.wait_for("it is told healthy", alive(true)).await?;
    let app = marathon.app("/a").await?;
    touch(&cluster, &sandbox(&cluster, &app.tasks[0]).await?, "ill").await?;
    events
        .wait_for("a failure is told", |event| event.kind == "failed_health_check_event")
        .await?;
    let kill = events
        .wait_for("the kill is told", |event| event.kind == "unhealthy_task_kill_event")
        .await?;
    check!(kill.data["taskId"] == well.data["taskId"]);
    check!(kill.data["reason"] == "500");
    let end = events
        .wait_for("its end is told", |event| event.data["taskStatus"] == "TASK_KILLED")
        .await?;
    check!(end.data["taskId"] == well.data["taskId"]);
    cluster.finish().await
}
