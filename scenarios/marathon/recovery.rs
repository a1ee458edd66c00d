//! Marathon's own failures: nothing is lost, and tasks run on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use harness::await_until::{Probe, Wait};
use harness::client::http::{Method, StatusCode};
use harness::client::marathon::{App, AppSpec, MarathonClient};
use harness::component::{marathon, mesos_agent, mesos_master, zookeeper};
use harness::deadlines::MARATHON_FAILOVER;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::node::{Node, NodeName};
use harness::{Cluster, Error, Kind, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SLEEPS, cluster, ids};

/// The longest session that the ZooKeeper of a cluster grants.
const SESSION: Duration = Duration::from_secs(40);

#[rstest]
#[tokio::test]
async fn crash_loses_nothing(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let (node, client) = (cluster.master(), cluster.marathon());
    let before = client.run(&AppSpec::command("/a", SLEEPS).instances(2)).await?;
    let known = client.info().await?;

    cluster.kill(&node, marathon::NAME).await?;
    cluster.revive(&node, marathon::NAME).await?;
    client.await_ready().await?;

    let after = client.app("/a").await?;
    check!(
        client.info().await?.framework_id == known.framework_id,
        "it is the same framework"
    );
    check!(after.version == before.version && after.cmd == before.cmd && after.instances == 2);
    check!(
        ids(&after) == ids(&before) && after.tasks_running == 2,
        "the same tasks run on"
    );
    check!(client.versions("/a").await? == std::slice::from_ref(&before.version));
    client.deployed(&client.scale("/a", 3).await?).await?;
    check!(
        ids(&before).is_subset(&ids(&client.app("/a").await?)),
        "and are its own to look after"
    );
    cluster.finish().await
}

/// What ended while Marathon was away is known when it is back, and replaced.
#[rstest]
#[tokio::test]
async fn end_during_its_absence_is_noticed(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let (node, client) = (cluster.master(), cluster.marathon());
    let app = AppSpec::command("/a", "while [ ! -f go ]; do sleep 0.1; done; rm go");
    let before = client.run(&app).await?;
    let sandbox = super::sandbox(&cluster, &before.tasks[0]).await?;

    cluster.kill(&node, marathon::NAME).await?;
    let go = format!(
        "cd {} && touch go && while [ -f go ]; do sleep 0.1; done",
        sandbox.directory()
    );
    let go = ExecSpec::new(["timeout", "20", "sh", "-c", &go]);
    cluster.slave(1)?.exec(mesos_agent::NAME, go).await?.success()?;
    cluster.revive(&node, marathon::NAME).await?;

    let after = client
        .await_app("/a", "another task of /a runs", |app| {
            app.tasks_running == 1 && ids(app).is_disjoint(&ids(&before))
        })
        .await?;
    check!(after.tasks.len() == 1);
    cluster.finish().await
}

/// In the middle of an upgrade, whose new task becomes healthy only afterwards.
#[rstest]
#[tokio::test]
async fn deployment_goes_on_after_a_crash(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let (node, client) = (cluster.master(), cluster.marathon());
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;
    let healthy = json!({ "protocol": "COMMAND", "command": { "value": "test -f \"$MESOS_SANDBOX/well\"" }, "intervalSeconds": 1 });
    let started = client
        .update("/a", &json!({ "cmd": "sleep 2000", "healthChecks": [healthy] }))
        .await?;
    let both = client
        .await_app("/a", "both versions run", |app| app.tasks_running == 2)
        .await?;
    let new = both.tasks.iter().find(|task| !ids(&before).contains(&task.id));
    let new = new.ok_or_else(|| Error::new(Kind::Internal, format!("two tasks, and none is new: {both:?}")))?;

    cluster.kill(&node, marathon::NAME).await?;
    cluster.revive(&node, marathon::NAME).await?;
    client.await_ready().await?;

    let under_way = client.deployments().await?;
    check!(
        under_way.len() == 1 && under_way[0].id == started.deployment_id,
        "the same deployment: {under_way:?}"
    );
    let sandbox = super::sandbox(&cluster, new).await?;
    let well = ExecSpec::new(["touch", &format!("{}/well", sandbox.directory())]);
    cluster.slave(1)?.exec(mesos_agent::NAME, well).await?.success()?;
    client.deployed(&started).await?;
    let after = client.app("/a").await?;
    check!(after.cmd.as_deref() == Some("sleep 2000") && after.tasks_running == 1);
    check!(
        after.tasks.iter().all(|task| task.id == new.id),
        "the new task alone is left"
    );
    cluster.finish().await
}

/// As an operator ends it at the master: Mesos takes it back under that id never again.
#[rstest]
#[tokio::test]
async fn framework_that_was_torn_down_begins_anew(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let client = cluster.marathon();
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;
    let known = client.info().await?.framework_id.unwrap_or_default();

    cluster.mesos().teardown(&known.as_str().into()).await?;

    let after = client
        .await_app("/a", "another task of /a runs", |app| {
            app.tasks_running == 1 && ids(app).is_disjoint(&ids(&before))
        })
        .await?;
    check!(after.version == before.version, "the app is the same");
    let now = client.info().await?.framework_id;
    check!(now.is_some_and(|now| now != known), "the framework is another one");
    cluster.finish().await
}

async fn three_masters() -> Result<Cluster> {
    Cluster::builder().masters(3).zookeepers(1).marathon().boot().await
}

/// Each answers, by way of the leader. The leader's crash is noticed when its session ends.
#[tokio::test]
async fn standby_takes_over() -> Verdict {
    let cluster = three_masters().await?;
    let leader = cluster.marathon().leader().await?;
    let (first, others) = leader_and_others(&cluster, &leader);
    let other = others[0];
    check!(other.marathon().leader().await? == leader, "all know the same leader");
    let before = other.marathon().run(&AppSpec::command("/a", SLEEPS)).await?;
    let answer = other.marathon().ask(Method::GET, "v2/apps//a", None).await?;
    check!(answer.header("x-marathon-leader") == Some(format!("http://{leader}").as_str()));
    let via = format!("1.1 {}:8080", other.address());
    check!(answer.header("x-marathon-via") == Some(via.as_str()));
    let http = other.marathon().http().clone();
    let looped = http.get("v2/apps").header("x-marathon-via", via).send().await?;
    check!(looped.status() == StatusCode::BAD_GATEWAY);
    check!(looped.json_of_any::<Value>()? == json!({ "message": "Detected proxying loop." }));

    cluster.kill(first, marathon::NAME).await?;

    let refused = http.get("v2/apps").send().await?;
    check!(
        refused.status() == StatusCode::BAD_GATEWAY,
        "its session is not over yet"
    );
    check!(refused.json_of_any::<Value>()? == json!({ "message": "Connection to leader refused." }));
    let next = other.marathon().await_leader_other_than(&leader).await?;
    check!(
        others
            .iter()
            .any(|node| next.starts_with(&format!("{}:", node.address()))),
        "one of them: {next}"
    );
    is_known_to_the_next(&other.marathon(), &ids(&before)).await?;
    other
        .marathon()
        .deployed(&other.marathon().scale("/a", 2).await?)
        .await?;
    cluster.finish().await
}

/// A session that is left behind would keep the others waiting until it ends.
#[tokio::test]
async fn leader_that_is_stopped_resigns() -> Verdict {
    let session = SESSION.as_millis().to_string();
    let cluster = Cluster::builder()
        .masters(3)
        .zookeepers(1)
        .marathon()
        .env(marathon::NAME, "MARATHON_ZK_SESSION_TIMEOUT", &session)
        .boot()
        .await?;
    let leader = cluster.marathon().leader().await?;
    let (first, others) = leader_and_others(&cluster, &leader);
    let client = others[0].marathon();
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;

    let begin = Instant::now();
    cluster.terminate(first, marathon::NAME).await?;

    let next = client.await_leader_other_than(&leader).await?;
    let took = begin.elapsed();
    check!(took < SESSION / 2, "{next} leads after {took:?}");
    is_known_to_the_next(&client, &ids(&before)).await?;
    cluster.finish().await
}

/// The master on which the leading Marathon is, and the other ones.
fn leader_and_others<'a>(cluster: &'a Cluster, leader: &str) -> (&'a Node, Vec<&'a Node>) {
    let masters = cluster
        .nodes()
        .filter(|node| matches!(node.name(), NodeName::Master(_)));
    let (first, others): (Vec<&Node>, Vec<&Node>) =
        masters.partition(|node| leader == format!("{}:{}", node.address(), marathon::PORT));
    (first[0], others)
}

/// Waits until the next leader knows the one task of /a, which is still the same.
async fn is_known_to_the_next(client: &MarathonClient, before: &BTreeSet<String>) -> Result<()> {
    client
        .await_app("/a", "the same task is known to the next leader", |app| {
            app.tasks_running == 1 && ids(app) == *before
        })
        .await
        .map(drop)
}

#[tokio::test]
async fn leader_steps_down_when_asked() -> Verdict {
    let cluster = three_masters().await?;
    let client = cluster.marathon();
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;
    let leader = client.leader().await?;

    client.abdicate().await?;

    client.await_leader_other_than(&leader).await?;
    is_known_to_the_next(&client, &ids(&before)).await?;
    client.deployed(&client.scale("/a", 2).await?).await?;
    check!(
        ids(&before).is_subset(&ids(&client.app("/a").await?)),
        "and is its own to look after"
    );
    cluster.finish().await
}

/// Without ZooKeeper nothing is changed, since nothing could be kept; afterwards everything is as it was. A write may
/// take three seconds instead of Marathon's ten.
#[tokio::test]
async fn nothing_is_lost_without_zookeeper() -> Verdict {
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_ZK_TIMEOUT", "3000")
        .boot()
        .await?;
    let client = cluster.marathon();
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;

    lose_zookeeper(&cluster).await?;
    let change = json!({ "instances": 2 });
    let refused = client.ask(Method::PUT, "v2/apps//a", Some(&change)).await?;
    check!(
        refused.status() == StatusCode::SERVICE_UNAVAILABLE,
        "a change is refused: {}",
        refused.status()
    );
    check!(refused.json_of_any::<Value>()?["message"].is_string(), "and says why");
    regain_zookeeper(&cluster).await?;

    check!(is_as_it_was(&client, &before).await?.version == before.version);
    client.deployed(&client.scale("/a", 2).await?).await?;
    cluster.finish().await
}

/// One that leads stops to, and one that is started meanwhile waits: both say that there is no leader. The tasks run on.
#[tokio::test]
async fn without_zookeeper_nobody_leads() -> Verdict {
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_ZK_SESSION_TIMEOUT", "4000")
        .boot()
        .await?;
    let (node, client) = (cluster.master(), cluster.marathon());
    let before = client.run(&AppSpec::command("/a", SLEEPS)).await?;

    lose_zookeeper(&cluster).await?;

    nobody_leads(&cluster).await?;
    cluster.kill(&node, marathon::NAME).await?;
    cluster.revive(&node, marathon::NAME).await?;
    nobody_leads(&cluster).await?;
    regain_zookeeper(&cluster).await?;
    check!(is_as_it_was(&client, &before).await?.version == before.version);
    client.deployed(&client.scale("/a", 2).await?).await?;
    cluster.finish().await
}

async fn lose_zookeeper(cluster: &Cluster) -> Result<()> {
    let node = cluster.master();
    cluster.kill(&node, zookeeper::NAME).await?;
    // A Mesos master without ZooKeeper ends by itself, sooner or later.
    cluster.kill(&node, mesos_master::NAME).await
}

async fn regain_zookeeper(cluster: &Cluster) -> Result<()> {
    let node = cluster.master();
    cluster.revive(&node, zookeeper::NAME).await?;
    cluster.revive(&node, mesos_master::NAME).await?;
    cluster.marathon().await_ready().await
}

/// The app as soon as the tasks that it had run.
async fn is_as_it_was(client: &MarathonClient, before: &App) -> Result<App> {
    client
        .await_app("/a", "/a is as it was", |app| {
            app.tasks_running == 1 && ids(app) == ids(before)
        })
        .await
}

/// Waits until a request is answered so.
async fn nobody_leads(cluster: &Cluster) -> Result<()> {
    let none = json!({ "message": "Could not determine the current leader" });
    Wait::that("Marathon says that nobody leads", MARATHON_FAILOVER)
        .until(
            async || match cluster.marathon().ask(Method::GET, "v2/apps", None).await {
                Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => match answer.json_of_any::<Value>()
                {
                    Ok(said) if said == none => Probe::Ready(()),
                    said => Probe::NotYet(format!("{said:?}")),
                },
                Ok(answer) => Probe::NotYet(format!("it answers {}", answer.status())),
                Err(error) => Probe::NotYet(error.to_string()),
            },
        )
        .await
}
