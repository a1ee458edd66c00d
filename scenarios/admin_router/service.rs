//! The route to the pages and interfaces of frameworks.

use std::time::{Duration, Instant};

use harness::await_until::{Probe, Wait};
use harness::client::Http;
use harness::client::http::StatusCode;
use harness::client::mesos::FrameworkSpec;
use harness::component::admin_router;
use harness::evidence::{Verdict, not_applicable};
use harness::toolbox::FileServer;
use harness::{Cluster, Result, check, deadlines};
use rstest::rstest;
use serde_json::json;

use super::{routed, router};
use crate::fixtures::{WEB_SERVER_MODULES, lacks_perl, listen, web_server};

/// A framework's page: two files that a browser asks for.
async fn page(cluster: &Cluster) -> Result<FileServer> {
    let files = [
        ("index.html", b"the page\n".to_vec()),
        ("a b.txt", b"with a space\n".to_vec()),
    ];
    FileServer::start(cluster, &files).await
}

#[rstest]
#[tokio::test]
async fn reaches_a_framework_by_name_and_by_id(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let files = page(&cluster).await?;
    let spec = FrameworkSpec::new("/teams/shop").webui_url(files.url(""));
    let framework = cluster.framework(spec).await?;
    let http = router(&cluster);

    for name in ["teams/shop".to_owned(), framework.id().to_string()] {
        let page = http.get(&format!("service/{name}/")).send().await?.ok()?;
        check!(page.text() == "the page\n");
        let file = http.get(&format!("service/{name}/a b.txt")).send().await?.ok()?;
        check!(file.text() == "with a space\n", "what is escaped stays escaped");
    }
    let below = http.get("service/teams/").send().await?;
    check!(below.status().as_u16() == 404, "a part of its name is not it");
    framework.finish().await?;
    cluster.finish().await
}

/// A Marathon that takes requests and answers none: the router gives up after ten seconds, but frameworks are Mesos'.
#[tokio::test]
async fn frameworks_do_not_wait_for_marathon() -> Verdict {
    let (_silent, address) = listen().await?;
    let marathon = address.to_string();
    let cluster = Cluster::builder()
        .admin_router()
        .env(admin_router::NAME, "ADMIN_ROUTER_MARATHON", &marathon)
        .boot()
        .await?;
    let files = page(&cluster).await?;
    let spec = FrameworkSpec::new("shop").webui_url(files.url(""));
    let framework = cluster.framework(spec).await?;
    let http = router(&cluster);

    for name in ["shop".to_owned(), framework.id().to_string()] {
        let begin = Instant::now();
        let page = http.get(&format!("service/{name}/")).send().await?.ok()?;
        let took = begin.elapsed();
        check!(page.text() == "the page\n");
        check!(took < Duration::from_secs(5), "service/{name}/ took {took:?}");
    }
    framework.finish().await?;
    cluster.finish().await
}

/// Relative links of a page lead past it without the slash.
#[rstest]
#[tokio::test]
async fn page_without_a_slash_is_redirected(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let files = page(&cluster).await?;
    let framework = cluster
        .framework(FrameworkSpec::new("shop").webui_url(files.url("")))
        .await?;

    let answer = router(&cluster).get("service/shop").without_redirects().send().await?;

    check!(answer.status().as_u16() == 301);
    check!(answer.header("location") == Some("/service/shop/"));
    framework.finish().await?;
    cluster.finish().await
}

/// The original took the port of the first SRV record, and Mesos-DNS shuffles them: of twenty requests to an app with two
/// ports, half went to the wrong one. The first port has the larger number here: no order of records or numbers helps.
#[tokio::test]
async fn takes_an_apps_first_port() -> Verdict {
    let cluster = Cluster::builder().marathon().mesos_dns().admin_router().boot().await?;
    if let Some(said) = lacks_perl(&cluster, &WEB_SERVER_MODULES).await? {
        return not_applicable(said);
    }
    let second = "PORT0=$PORT1; ".to_owned() + &web_server("second");
    let both = format!("({second}) & {}", web_server("first"));
    let app = json!({
        "id": "/spark", "cmd": both, "cpus": 0.1, "mem": 64, "ports": [31_900, 31_100], "requirePorts": true,
    });
    let http = router(&cluster);

    http.post_json("marathon/v2/apps", &app)
        .send()
        .await?
        .expect(&[StatusCode::CREATED])?;

    await_page(&http, "service/sparkcli/", |page| page == "first").await?;
    for _ in 0..20 {
        let page = http.get("service/sparkcli/").send().await?.ok()?;
        check!(page.text() == "first");
    }
    cluster.finish().await
}

/// Its page says which task serves it, and the next one runs on another slave.
#[tokio::test]
async fn follows_an_app_that_moved() -> Verdict {
    let cluster = Cluster::builder().slaves(2).marathon().admin_router().boot().await?;
    if let Some(said) = lacks_perl(&cluster, &WEB_SERVER_MODULES).await? {
        return not_applicable(said);
    }
    let app = json!({
        "id": "/mover", "cmd": web_server("$MESOS_TASK_ID"), "cpus": 0.1, "mem": 32,
        "labels": {
            "DCOS_SERVICE_NAME": "mover", "DCOS_SERVICE_SCHEME": "http", "DCOS_SERVICE_PORT_INDEX": "0",
        },
    });
    let http = router(&cluster);
    http.post_json("marathon/v2/apps", &app)
        .send()
        .await?
        .expect(&[StatusCode::CREATED])?;
    let first = await_page(&http, "service/mover/", |page| page.starts_with("mover.")).await?;

    let client = cluster.marathon();
    let before = client.app("/mover").await?;
    let away = json!({ "constraints": [["hostname", "UNLIKE", before.tasks[0].host]] });
    client.deployed(&client.update("/mover", &away).await?).await?;

    let next = await_page(&http, "service/mover/", |page| {
        page.starts_with("mover.") && page != first
    })
    .await?;
    check!(next != first);
    let after = client.app("/mover").await?;
    check!(after.tasks[0].host != before.tasks[0].host, "it runs elsewhere");
    cluster.finish().await
}

/// Waits until `path` answers with a page that is the wanted one.
async fn await_page(http: &Http, path: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
    Wait::that(format!("{path} shows the page"), deadlines::TASK_STATE)
        .until(async || match http.get(path).send().await {
            Ok(answer) if answer.status() == StatusCode::OK && wanted(&answer.text()) => Probe::Ready(answer.text()),
            Ok(answer) => Probe::NotYet(format!("{} {}", answer.status(), answer.text())),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
