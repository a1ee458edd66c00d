//! The bridge, with a Marathon of the scenario's own that can say anything.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use harness::component::haproxy;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use serde_json::json;
use tokio::sync::{RwLock, watch};

use super::fake_marathon::{Backend, FakeMarathon, Pieces, app};
use super::{ask, await_answer, node, statistics};
use crate::fixtures::has_known_shapes;
use crate::redactions::assert_text;

const PORT: u16 = 10_000;
/// What the bridge may take for a change.
const SOON: Duration = Duration::from_secs(1);

/// The configuration in use.
async fn config(cluster: &Cluster) -> Result<String> {
    let cat = ExecSpec::new(["cat", haproxy::CONFIG]);
    Ok(node(cluster)?.exec(haproxy::NAME, cat).await?.success()?.stdout)
}

/// The original copied whatever came out over the configuration in use, and the services were gone.
#[tokio::test]
async fn keeps_the_last_good_configuration() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/web", PORT, &[&one])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;
    let good = config(&cluster).await?;

    for (status, body) in [
        (StatusCode::OK, r#"{"apps":[{"id":"/web","por"#),
        (StatusCode::OK, "<html>Marathon is being upgraded</html>"),
        (StatusCode::OK, r#"{"apps":{}}"#),
        (StatusCode::OK, ""),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"message":"Could not determine the current leader"}"#,
        ),
    ] {
        marathon.says(status, body);
        marathon.tells();
        marathon.await_questions().await?;
        check!(ask(&cluster, PORT).await? == "one", "after {status} {body:?}");
        check!(config(&cluster).await? == good);
    }

    check_contains!(
        node(&cluster)?.logs(haproxy::NAME, 200).await?,
        "the last good configuration stays"
    );
    marathon.runs(&[app("/web", PORT, &[&two])]);
    await_answer(&cluster, PORT, "two").await?;
    cluster.finish().await
}

/// HAProxy is killed while no Marathon answers.
#[tokio::test]
async fn restart_keeps_the_last_good_configuration() -> Verdict {
    let (marathon, one) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/web", PORT, &[&one])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;
    marathon.says(StatusCode::SERVICE_UNAVAILABLE, "");

    cluster.kill(node(&cluster)?, haproxy::NAME).await?;
    cluster.revive(node(&cluster)?, haproxy::NAME).await?;

    await_answer(&cluster, PORT, "one").await?;
    check!(ask(&cluster, PORT).await? == "one", "and goes on");
    cluster.finish().await
}

#[tokio::test]
async fn follows_an_event_within_a_second() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/web", PORT, &[&one])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;

    // A machine that is busy elsewhere for a moment proves nothing: the best of some changes counts.
    let mut best = Duration::MAX;
    for (backend, answer) in [(&two, "two"), (&one, "one")].into_iter().cycle().take(6) {
        marathon.runs(&[app("/web", PORT, &[backend])]);
        let changed = Instant::now();
        marathon.tells();
        await_answer(&cluster, PORT, answer).await?;
        best = best.min(changed.elapsed());
        if best <= SOON {
            break;
        }
    }

    check!(best <= SOON);
    cluster.finish().await
}

/// Asks until it is told to end; how many requests there were, and what the first failure was.
async fn load(cluster: &Cluster, calm: &RwLock<()>, mut end: watch::Receiver<bool>) -> (u32, Option<String>) {
    let mut count = 0;
    while !*end.borrow_and_update() {
        count += 1;
        let _asking = calm.read().await;
        if let Err(error) = ask(cluster, PORT).await {
            return (count, Some(format!("request {count}: {error}")));
        }
    }
    (count, None)
}

/// Servers come and go, and one dies without a word, while three clients ask without pause. It dies between requests:
/// what it has in hand is lost with it behind any proxy of TCP.
#[tokio::test]
async fn reload_fails_no_request() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let three = Backend::start("three").await?;
    let cluster = marathon.followed(&[]).await?;
    let alone = |backend: &Backend| [app("/web", PORT, &[backend])];
    marathon.runs(&alone(&one));
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;

    let (stop, end) = watch::channel(false);
    let calm = RwLock::new(());
    let change = async {
        for _ in 0..5 {
            marathon.runs(&[app("/web", PORT, &[&one, &two, &three])]);
            marathon.tells();
            await_answer(&cluster, PORT, "two").await?;
            marathon.runs(&alone(&three));
            marathon.tells();
            await_answer(&cluster, PORT, "three").await?;
        }
        marathon.runs(&[app("/web", PORT, &[&one, &two, &three])]);
        marathon.tells();
        await_answer(&cluster, PORT, "one").await?;
        let quiet = calm.write().await;
        one.end().await;
        drop(quiet);
        marathon.tells();
        marathon.await_questions().await.ok();
        marathon.runs(&alone(&two));
        marathon.tells();
        await_answer(&cluster, PORT, "two").await?;
        Ok::<_, harness::Error>(())
    };
    let change = async {
        let changed = change.await;
        stop.send_replace(true);
        changed
    };
    let clients = futures_util::future::join_all((0..3).map(|_| load(&cluster, &calm, end.clone())));
    let (changed, loaded) = tokio::join!(change, clients);

    changed?;
    for (count, failure) in loaded {
        check!(failure == None);
        check!(count > 20, "it asked all the time");
    }
    cluster.finish().await
}

/// One answer comes piece by piece while the configuration changes 25 times: the worker that has it ends after it.
#[tokio::test]
async fn reloads_leave_an_answer_under_way() -> Verdict {
    const RELOADS: usize = 25;
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let (pieces, slow) = Backend::slow().await?;
    let cluster = marathon.followed(&[]).await?;
    let slow = app("/slow", PORT + 1, &[&slow]);
    let runs = |backend: &Backend| marathon.runs(&[app("/web", PORT, &[backend]), slow.clone()]);
    runs(&one);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;
    let mut answer = Pieces::ask(node(&cluster)?.address(), PORT + 1).await?;

    for (number, (backend, name)) in [(&two, "two"), (&one, "one")]
        .into_iter()
        .cycle()
        .take(RELOADS)
        .enumerate()
    {
        runs(backend);
        marathon.tells();
        await_answer(&cluster, PORT, name).await?;
        let piece = format!("piece {number}\n");
        pieces.send(piece.clone()).await.ok();
        answer.expect(&piece).await?;
    }
    drop(pieces);

    check!(answer.rest().await?.is_empty(), "the answer has its end");
    cluster.finish().await
}

/// An application with `-sst` in its name gets the cookie that the original gave.
#[tokio::test]
async fn session_stays_with_its_server() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/shop-sst", PORT, &[&one, &two])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;
    await_answer(&cluster, PORT, "two").await?;

    let http = node(&cluster)?.http(PORT);
    let first = http.get("").send().await?.ok()?;
    let cookie = first.header("set-cookie").unwrap_or_default().to_owned();

    check!(cookie.starts_with("SIO="), "{cookie}");
    let session = cookie.split(';').next().unwrap_or_default().to_owned();
    for _ in 0..10 {
        let again = http.get("").header("cookie", session.as_str()).send().await?.ok()?;
        check!(again.text() == first.text());
    }
    cluster.finish().await
}

/// What Marathon should never say must not cost what else it says.
#[tokio::test]
async fn odd_application_costs_nobody_else_anything() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let cluster = marathon.followed(&[]).await?;
    let odd = json!({ "host": "no such host\n  bind :1", "ports": [31_000], "state": "TASK_RUNNING" });
    marathon.runs(&[
        app("/a", PORT, &[&one]),
        app("/b", PORT, &[&two]),
        app("/c", haproxy::PORT, &[&two]),
        app("/d # \"e'\n listen f", PORT + 1, &[&two]),
        json!({ "id": "/g", "ports": [PORT + 2, 70_000], "tasks": [odd] }),
        json!({ "id": "/h", "ports": [PORT + 3], "tasks": [
            { "host": "does.not.resolve.invalid", "ports": [31_000], "state": "TASK_RUNNING" }
        ] }),
        app("", PORT + 4, &[&two]),
    ]);
    marathon.tells();

    await_answer(&cluster, PORT + 4, "two").await?;
    check!(
        ask(&cluster, PORT).await? == "one",
        "a port is the first one's who asks"
    );
    check!(
        ask(&cluster, PORT + 1).await? == "two",
        "a name is no reason to leave it out"
    );
    let log = node(&cluster)?.logs(haproxy::NAME, 200).await?;
    for reason in [
        "\"/b\": the port 10000 is that of \"/a\"",
        "\"/c\": the port 9090 is that of the statistics",
        "\"/g\": 70000 is no port",
    ] {
        check_contains!(log, reason);
    }
    cluster.finish().await
}

/// The script's mode: no events, a look at each full period.
#[tokio::test]
async fn cron_mode_looks_each_period() -> Verdict {
    let (marathon, one, two) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"), Backend::start("two"))?;
    let cluster = marathon
        .followed(&[("BRIDGE_MODE", "cron"), ("BRIDGE_PERIOD", "1")])
        .await?;

    marathon.runs(&[app("/web", PORT, &[&one])]);
    await_answer(&cluster, PORT, "one").await?;
    marathon.runs(&[app("/web", PORT, &[&two])]);
    await_answer(&cluster, PORT, "two").await?;

    check!(marathon.listeners() == 0, "nobody listens to events");
    cluster.finish().await
}

#[tokio::test]
async fn statistics_name_every_service() -> Verdict {
    let (marathon, one) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/group/web", PORT, &[&one])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;

    let page = |http: harness::client::Http| async move { http.get("haproxy").query("stats", "").send().await };
    let stranger = page(node(&cluster)?.http(haproxy::PORT)).await?;
    let shown = page(statistics(&cluster)?).await?.ok()?;

    check!(stranger.status().as_u16() == 401);
    check_contains!(shown.text(), "group_web-10000");
    cluster.finish().await
}

/// `haproxy-marathon-bridge MARATHON…`, as the script was called by hand.
#[tokio::test]
async fn prints_the_configuration_as_the_script_did() -> Verdict {
    let (marathon, one) = tokio::try_join!(FakeMarathon::start(), Backend::start("one"))?;
    let cluster = marathon.followed(&[]).await?;
    marathon.runs(&[app("/web", PORT, &[&one])]);
    marathon.tells();
    await_answer(&cluster, PORT, "one").await?;
    let print = |server: &str| ExecSpec::new(["haproxy-marathon-bridge", server]);

    let printed = node(&cluster)?.exec(haproxy::NAME, print(&marathon.address())).await?;
    let unheard = node(&cluster)?.exec(haproxy::NAME, print("127.0.0.1:1")).await?;

    let printed = printed.success()?.stdout;
    check!(printed == config(&cluster).await?);
    if has_known_shapes() {
        assert_text(&cluster, "haproxy", "configuration", &printed);
    }
    check!(unheard.exit_code != 0);
    check_contains!(unheard.stdout, "listen stats");
    check!(
        !unheard.stdout.contains("listen web"),
        "the header alone where no Marathon answers"
    );
    cluster.finish().await
}
