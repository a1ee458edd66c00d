//! What Marathon takes its time for: an app's start, its list under many readers, a thousand instances.

use std::time::{Duration, Instant};

use harness::await_until::{Probe, Wait};
use harness::client::marathon::{AppSpec, Check, Event, EventStream, MarathonClient, Started};
use harness::component::marathon;
use harness::deadlines::Deadline;
use harness::docker::exec::ExecSpec;
use harness::node::NodeName;
use harness::{Cluster, Error, Kind, Result};
use jiff::Timestamp;
use serde_json::json;

use super::memory::resident;
use crate::measure::{Entry, Limit, MEBIBYTE, seconds};

/// From the POST until its one task is healthy, by a check that its executor makes at once.
const HEALTHY: Limit = Limit::Median(0.5);
/// The same of a Docker app, whose container the engine has to make.
const DOCKER_HEALTHY: Limit = Limit::Median(1.5);
/// From a task's status, as its executor dated it, until a subscriber has the event.
const EVENT: Limit = Limit::Median(0.05);
/// Of GET /v2/apps.
const READ_P99: Limit = Limit::Median(0.05);
const READERS: usize = 200;
const READS: usize = 20_000;
const APPS: usize = 20;
const THOUSAND: u32 = 1000;
/// Two cores start a thousand executors.
const THOUSAND_RUN: Deadline = Deadline::custom("THOUSAND_RUN", Duration::from_secs(600));

/// Answers every request with 200: Perl is in every Debian base.
const SERVER: &str = "exec perl -MIO::Socket::INET -e 'my $s=IO::Socket::INET->new(LocalPort=>$ENV{PORT0},Listen=>9,\
    ReuseAddr=>1) or die;while(my $c=$s->accept){while(<$c>){last if /^\\r?$/}print $c \
    \"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\";close $c}'";

/// An app of one such server.
pub(super) fn server(id: &str) -> AppSpec {
    AppSpec::command(id, SERVER).resources(0.1, 16.0)
}

/// Waits until the one task of the app `id` runs, and gives the event that tells so.
pub(super) async fn running(events: &mut EventStream, id: &str) -> Result<Event> {
    let runs = |event: &Event| event.data["appId"] == id && event.data["taskStatus"] == "TASK_RUNNING";
    events.wait_for(&format!("a task of {id} runs"), runs).await
}

/// An app of one command, which is healthy as soon as its executor looks.
fn looked_at(id: &str) -> AppSpec {
    let check = json!([{ "protocol": "COMMAND", "command": { "value": "true" }, "intervalSeconds": 1 }]);
    AppSpec::command(id, "exec sleep 1000")
        .resources(0.1, 16.0)
        .with("healthChecks", check)
}

/// An app of one such server, with a health check. Marathon makes the first one an interval after the task runs, which is
/// a second at least.
fn checked(id: &str) -> AppSpec {
    server(id).check(Check::http("/").with("gracePeriodSeconds", json!(5)))
}

/// Waits until the one task of the app `id` is healthy.
async fn healthy_now(events: &mut EventStream, id: &str) -> Result<Event> {
    let alive = |event: &Event| event.data["appId"] == id && event.data["alive"] == true;
    events.wait_for(&format!("{id} is healthy"), alive).await
}

/// When the task that `event` tells of ran, as its executor dated it: in seconds since the epoch.
pub(super) async fn dated(cluster: &Cluster, event: &Event) -> Result<f64> {
    let id = event.data["taskId"].as_str().unwrap_or_default();
    let state = cluster.mesos().state().await?;
    let mut tasks = state.frameworks.iter().flat_map(|framework| &framework.tasks);
    let task = tasks.find(|task| task.id.as_str() == id);
    let status = task.and_then(|task| {
        task.statuses
            .iter()
            .find(|status| status.state.name() == "TASK_RUNNING")
    });
    let status = status.ok_or_else(|| Error::new(Kind::Answer, format!("Mesos does not know that {id} runs")))?;
    Ok(status.timestamp)
}

/// Now, in seconds since the epoch.
pub(super) fn now() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

/// Ends an app and its tasks.
pub(super) async fn destroy(client: &MarathonClient, id: &str) -> Result<()> {
    client.deployed(&client.delete(id).await?).await
}

/// Apps one after the other, and the events of their tasks.
pub(super) async fn started(cluster: &Cluster, apps: u16) -> Result<Vec<Entry>> {
    let client = cluster.marathon();
    let mut events = client.events().await?;
    let (mut healthy, mut lags) = (Vec::new(), Vec::new());
    for number in 0..=apps {
        let id = format!("/bench-{number}");
        let began = Instant::now();
        client.create(&looked_at(&id)).await?;
        let runs = running(&mut events, &id).await?;
        let told = now();
        healthy_now(&mut events, &id).await?;
        let took = began.elapsed();
        // The first warms caches.
        if number > 0 {
            healthy.push(seconds(took));
            lags.push((told - dated(cluster, &runs).await?).max(0.0));
        }
        destroy(&client, &id).await?;
    }
    let healthy = Entry::new("marathon.app-to-healthy", healthy, Vec::new(), Some(HEALTHY));
    let event = Entry::new("marathon.status-to-event", lags, Vec::new(), Some(EVENT));
    Ok(healthy.into_iter().chain(event).collect())
}

/// Docker apps one after the other, on a cluster whose slave has a Docker of its own.
pub(super) async fn docker(apps: u16) -> Result<Vec<Entry>> {
    let cluster = Cluster::builder().for_a_person().docker().marathon().boot().await?;
    let client = cluster.marathon();
    let mut events = client.events().await?;
    let container = json!({"type": "DOCKER", "docker": {"image": "debian", "network": "HOST"}});
    let mut healthy = Vec::new();
    for number in 0..=apps {
        let id = format!("/docker-{number}");
        let began = Instant::now();
        client
            .create(&checked(&id).with("container", container.clone()))
            .await?;
        healthy_now(&mut events, &id).await?;
        // The first warms caches.
        if number > 0 {
            healthy.push(seconds(began.elapsed()));
        }
        destroy(&client, &id).await?;
    }
    cluster.down().await?;
    let healthy = Entry::new(
        "marathon.docker-app-to-healthy",
        healthy,
        Vec::new(),
        Some(DOCKER_HEALTHY),
    );
    Ok(healthy.into_iter().collect())
}

/// Many readers at once of a list of apps without tasks. The load is another program's: a client in an unoptimised
/// benchmark would measure itself.
pub(super) async fn read(cluster: &Cluster) -> Result<Vec<Entry>> {
    let client = cluster.marathon();
    for number in 0..APPS {
        client.create(&server(&format!("/read-{number}")).instances(0)).await?;
    }
    let url = format!("http://{}:{}/v2/apps", cluster.master().address(), marathon::PORT);
    let (reads, readers) = (READS.to_string(), READERS.to_string());
    let load = ExecSpec::new(["ab", "-q", "-k", "-n", &reads, "-c", &readers, &url]);
    let said = cluster.marathon_clients().await?.run(load).await?.success()?.stdout;
    let entry = p99(&said)
        .ok_or_else(|| Error::new(Kind::Answer, "the load was not answered as a whole").evidence(said.clone()))?;
    let entry = Entry::new("marathon.read-apps-p99", vec![entry], Vec::new(), Some(READ_P99));
    Ok(entry.into_iter().collect())
}

/// The 99th percentile that `ab` prints, in seconds; `None` where a request failed.
fn p99(said: &str) -> Option<f64> {
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.and_then(|line| line.trim().parse::<f64>().ok())
    };
    let whole = value("Failed requests:") == Some(0.0) && value("Non-2xx responses:").is_none();
    value("99%").filter(|_| whole).map(|milliseconds| milliseconds / 1000.0)
}

/// One app of a thousand small tasks, on agents that say they have room for them.
pub(super) async fn thousand() -> Result<Vec<Entry>> {
    let room = "cpus:1000;mem:100000;disk:100000;ports:[10000-60000]";
    let builder = Cluster::builder().for_a_person().marathon().slaves(2);
    let cluster = builder
        .resources(1, room)?
        .resources(2, room)?
        .memory(12_000)
        .boot()
        .await?;
    let client = cluster.marathon();
    let before = resident(&cluster, NodeName::Master(1), marathon::NAME).await?;
    let app = AppSpec::command("/thousand", "exec sleep 3600")
        .resources(0.01, 1.0)
        .instances(THOUSAND)
        .with("ports", json!([]));
    let began = Instant::now();
    let started = client.create(&app).await?;
    all_run(&client, &started).await?;
    let took = seconds(began.elapsed());
    eprintln!(
        "{THOUSAND} tasks run after {took:.1} s: {:.1} a second",
        f64::from(THOUSAND) / took
    );
    let grown = resident(&cluster, NodeName::Master(1), marathon::NAME).await? - before;
    cluster.down().await?;
    let took = Entry::new("marathon.thousand-tasks-running", vec![took], Vec::new(), None);
    let grown = Entry::new("marathon.memory-per-thousand-tasks", vec![grown], Vec::new(), None);
    Ok(took.into_iter().chain(grown.map(|entry| entry.of(MEBIBYTE))).collect())
}

/// Waits for the end of a deployment for longer than the client does. What is asked for is small: the tasks themselves
/// would be a document of their own at each look.
async fn all_run(client: &MarathonClient, started: &Started) -> Result<()> {
    Wait::that(format!("{THOUSAND} tasks run"), THOUSAND_RUN)
        .until(async || match client.deployments().await {
            Ok(all) if all.iter().all(|one| one.id != started.deployment_id) => Probe::Ready(()),
            Ok(_) => Probe::NotYet("its deployment is under way".to_owned()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
