//! What Marathon takes its time for: an app's start, its list under many readers, a thousand instances.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use harness::await_until::{Probe, Wait};
use harness::client::http::Http;
use harness::component::marathon;
use harness::deadlines::{Deadline, TASK_STATE};
use harness::node::NodeName;
use harness::{Cluster, Error, Kind, Result};
use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::memory::resident;
use crate::measure::{Entry, Limit, MEBIBYTE, seconds};

/// From the POST until its one task is healthy.
const HEALTHY: Limit = Limit::Median(0.5);
/// From a task's status, as its executor dated it, until a subscriber has the event.
const EVENT: Limit = Limit::Median(0.05);
/// Of GET /v2/apps.
const READ_P99: Limit = Limit::Median(0.05);
const READERS: usize = 200;
const READS_OF_EACH: usize = 20;
const APPS: usize = 20;
const THOUSAND: u64 = 1000;
/// Two cores start a thousand executors.
const THOUSAND_RUN: Deadline = Deadline::custom("THOUSAND_RUN", Duration::from_secs(600));

/// Answers every request with 200: Perl is in every Debian base.
const SERVER: &str = "exec perl -MIO::Socket::INET -e 'my $s=IO::Socket::INET->new(LocalPort=>$ENV{PORT0},Listen=>9,\
    ReuseAddr=>1) or die;while(my $c=$s->accept){while(<$c>){last if /^\\r?$/}print $c \
    \"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok\";close $c}'";

fn of(cluster: &Cluster) -> Result<Http> {
    Ok(cluster.node(NodeName::Master(1))?.http(marathon::PORT))
}

async fn post(http: &Http, app: &Value) -> Result<()> {
    http.post_json("v2/apps", app)
        .send()
        .await?
        .expect(&[StatusCode::CREATED])
        .map(drop)
}

async fn destroy(http: &Http, id: &str) -> Result<()> {
    let path = format!("v2/apps/{id}");
    http.request(Method::DELETE, &path).send().await?.ok()?;
    Wait::that(format!("{id} is gone"), TASK_STATE)
        .until(async || match http.get("v2/deployments").send().await {
            Ok(answer) if answer.text().trim() == "[]" => Probe::Ready(()),
            Ok(answer) => Probe::NotYet(answer.text()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// Apps one after the other, and the events of their tasks.
pub(super) async fn started(cluster: &Cluster, apps: u16) -> Result<Vec<Entry>> {
    let http = of(cluster)?;
    let (stop, stopped) = oneshot::channel();
    let events = tokio::spawn(event_lags(http.clone(), stopped));
    let mut healthy = Vec::new();
    for number in 0..=apps {
        let id = format!("bench-{number}");
        let check = json!({"protocol": "HTTP", "path": "/", "gracePeriodSeconds": 5, "intervalSeconds": 1});
        let app = json!({"id": id, "cmd": SERVER, "cpus": 0.1, "mem": 16, "instances": 1, "ports": [0],
            "healthChecks": [check]});
        let began = Instant::now();
        post(&http, &app).await?;
        await_counted(&http, &id, "tasksHealthy", 1, TASK_STATE).await?;
        // The first warms caches.
        if number > 0 {
            healthy.push(seconds(began.elapsed()));
        }
        destroy(&http, &id).await?;
    }
    drop(stop);
    let lags = events
        .await
        .map_err(|error| Error::internal("the subscriber panicked").caused_by(error))??;
    let healthy = Entry::new("marathon.app-to-healthy", healthy, Vec::new(), Some(HEALTHY));
    let event = Entry::new("marathon.status-to-event", lags, Vec::new(), Some(EVENT));
    Ok(healthy.into_iter().chain(event).collect())
}

/// How long each status update was under way, in seconds, until `stopped`.
async fn event_lags(http: Http, stopped: oneshot::Receiver<()>) -> Result<Vec<f64>> {
    let request = http.get("v2/events").header("accept", "text/event-stream");
    let (answer, _) = request.open().await?;
    let mut chunks = answer.bytes_stream().take_until(stopped);
    let (mut text, mut lags) = (String::new(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| Error::new(Kind::Answer, "the events end").caused_by(error))?;
        text.push_str(&String::from_utf8_lossy(&chunk));
        let now = Timestamp::now();
        while let Some(end) = text.find('\n') {
            let line: String = text.drain(..=end).collect();
            let Some(data) = line.strip_prefix("data:") else {
                continue;
            };
            let event: Value = serde_json::from_str(data.trim()).unwrap_or_default();
            let dated = event["timestamp"]
                .as_str()
                .and_then(|dated| dated.parse::<Timestamp>().ok());
            if let (Some("status_update_event"), Some(dated)) = (event["eventType"].as_str(), dated) {
                lags.push(now.duration_since(dated).as_secs_f64());
            }
        }
    }
    Ok(lags)
}

async fn await_counted(http: &Http, id: &str, field: &str, count: u64, deadline: Deadline) -> Result<()> {
    Wait::that(format!("{count} of {field} of {id}"), deadline)
        .until(async || {
            let app: Result<Value> = async { http.get(&format!("v2/apps/{id}")).send().await?.json() }.await;
            match app {
                Ok(app) if app["app"][field] == count => Probe::Ready(()),
                Ok(app) => Probe::NotYet(format!("{field} is {}", app["app"][field])),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
}

/// Many readers at once of a list of apps without tasks.
pub(super) async fn read(cluster: &Cluster) -> Result<Vec<Entry>> {
    let http = of(cluster)?;
    for number in 0..APPS {
        let app = json!({"id": format!("read-{number}"), "cmd": "exec sleep 600", "instances": 0});
        post(&http, &app).await?;
    }
    let began = Instant::now();
    let readers = (0..READERS).map(|_| async {
        let mut took = Vec::with_capacity(READS_OF_EACH);
        for _ in 0..READS_OF_EACH {
            let began = Instant::now();
            http.get("v2/apps").send().await?.ok()?;
            took.push(seconds(began.elapsed()));
        }
        Ok::<_, Error>(took)
    });
    let mut took = try_join_all(readers).await?.concat();
    eprintln!(
        "{} reads by {READERS} readers at once: {:.1} s",
        took.len(),
        seconds(began.elapsed())
    );
    took.sort_by(f64::total_cmp);
    let p99 = took[took.len() * 99 / 100];
    let entry = Entry::new("marathon.read-apps-p99", vec![p99], Vec::new(), Some(READ_P99));
    Ok(entry.into_iter().collect())
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
    let http = of(&cluster)?;
    let before = resident(&cluster, NodeName::Master(1), marathon::NAME).await?;
    let app = json!({"id": "thousand", "cmd": "exec sleep 3600", "cpus": 0.01, "mem": 1, "instances": THOUSAND,
        "ports": []});
    let began = Instant::now();
    post(&http, &app).await?;
    await_counted(&http, "thousand", "tasksRunning", THOUSAND, THOUSAND_RUN).await?;
    let took = seconds(began.elapsed());
    eprintln!(
        "{THOUSAND} tasks run after {took:.1} s: {:.1} a second",
        THOUSAND as f64 / took
    );
    let grown = resident(&cluster, NodeName::Master(1), marathon::NAME).await? - before;
    cluster.down().await?;
    let took = Entry::new("marathon.thousand-tasks-running", vec![took], Vec::new(), None);
    let grown = Entry::new("marathon.memory-per-thousand-tasks", vec![grown], Vec::new(), None);
    Ok(took.into_iter().chain(grown.map(|entry| entry.of(MEBIBYTE))).collect())
}
