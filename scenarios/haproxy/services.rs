//! Services of the cluster's own Marathon, by HAProxy.

use harness::client::http::{Method, StatusCode};
use harness::client::{Http, Request};
use harness::component::marathon;
use harness::evidence::{Verdict, not_applicable};
use harness::{Cluster, Result, check};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{ask, await_answer, await_any, await_servers};
use crate::fixtures::{WEB_SERVER_MODULES, lacks_perl, web_server};

const PORT: u16 = 10_000;

fn marathon(cluster: &Cluster) -> Http {
    cluster.master().http(marathon::PORT)
}

/// An app that serves its host's name on [`PORT`], by at most one task on each agent.
fn app(instances: u32) -> Value {
    json!({
        "id": "/web",
        // The bridge has five seconds: it throttles its reloads, and HAProxy looks at each configuration first.
        "cmd": web_server("$HOST 5"),
        "ports": [PORT],
        "cpus": 0.1,
        "mem": 32,
        "instances": instances,
        "constraints": [["hostname", "UNIQUE"]],
        "taskKillGracePeriodSeconds": 10,
    })
}

async fn done(request: Request) -> Result<()> {
    request
        .send()
        .await?
        .expect(&[StatusCode::OK, StatusCode::CREATED])
        .map(drop)
}

/// README "HAProxy": the port is the same wherever the tasks are.
#[tokio::test]
async fn are_reached_on_well_known_ports() -> Verdict {
    let cluster = Cluster::builder().slaves(2).marathon().haproxy().boot().await?;
    if let Some(said) = lacks_perl(&cluster, &WEB_SERVER_MODULES).await? {
        return not_applicable(said);
    }

    done(marathon(&cluster).post_json("v2/apps", &app(2))).await?;

    for slave in [1, 2] {
        let host = cluster.slave(slave)?.address().to_string();
        await_answer(&cluster, PORT, &host).await?;
    }
    check!(!ask(&cluster, PORT).await?.is_empty(), "and goes on");
    cluster.finish().await
}

/// Asks until it is told to end; how many requests there were, and what the first failure was.
async fn load(cluster: &Cluster, mut end: watch::Receiver<bool>) -> (u32, Option<String>) {
    let mut count = 0;
    while !*end.borrow_and_update() {
        count += 1;
        if let Err(error) = ask(cluster, PORT).await {
            return (count, Some(format!("request {count}: {error}")));
        }
    }
    (count, None)
}

#[tokio::test]
async fn scaling_fails_no_request() -> Verdict {
    let cluster = Cluster::builder().slaves(2).marathon().haproxy().boot().await?;
    if let Some(said) = lacks_perl(&cluster, &WEB_SERVER_MODULES).await? {
        return not_applicable(said);
    }
    let http = marathon(&cluster);
    done(http.post_json("v2/apps", &app(1))).await?;
    let hosts = [
        cluster.slave(1)?.address().to_string(),
        cluster.slave(2)?.address().to_string(),
    ];
    let first = await_any(&cluster, PORT, &hosts).await?;
    let second = hosts.iter().find(|host| **host != first).cloned().unwrap_or_default();
    let scale = |instances: u32| {
        http.request(Method::PUT, "v2/apps/web")
            .json(&json!({ "instances": instances }))
    };

    let (stop, end) = watch::channel(false);
    let change = async {
        for _ in 0..2 {
            done(scale(2)).await?;
            await_answer(&cluster, PORT, &second).await?;
            cluster.marathon().at_rest().await?;
            done(scale(1)).await?;
            await_servers(&cluster, "web-10000", 1).await?;
            cluster.marathon().at_rest().await?;
        }
        Ok::<_, harness::Error>(())
    };
    let change = async {
        let changed = change.await;
        stop.send_replace(true);
        changed
    };
    let clients = futures_util::future::join_all((0..2).map(|_| load(&cluster, end.clone())));
    let (changed, loaded) = tokio::join!(change, clients);

    changed?;
    for (count, failure) in loaded {
        check!(failure == None);
        check!(count > 20, "it asked all the time");
    }
    cluster.finish().await
}
