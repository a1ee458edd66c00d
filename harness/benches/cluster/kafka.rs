//! What Kafka on Mesos costs: from a wish to a message that is acknowledged, against the same broker started by hand in
//! a container beside the agent; how fast messages are taken, against the same; the README's chapter; and memory.

use std::time::{Duration, Instant};

use harness::await_until::{Probe, Wait};
use harness::client::http::Http;
use harness::component::mesos_agent;
use harness::deadlines::BROKER_STATE;
use harness::docker::exec::{ExecSpec, exec};
use harness::docker::{ContainerSpec, Place, Selection, container, removal};
use harness::error::Context as _;
use harness::image::ImageSpec;
use harness::lease::Lease;
use harness::workload::Kafka;
use harness::workload::kafka::{VERSIONS, client_settings};
use harness::{Cluster, Error, Kind, Result};
use rdkafka::config::ClientConfig;
use rdkafka::producer::{BaseRecord, FutureProducer, FutureRecord, Producer as _, ThreadedProducer};
use rdkafka::util::Timeout;
use serde_json::json;

use crate::kafka_start::{Start, parts, wall};
use crate::measure::{Entry, Limit, MEBIBYTE, seconds};

/// From an install to the README's second message.
const CHAPTER: Limit = Limit::Median(8.0);
/// A tenth slower than bare at most.
const TAKEN: Limit = Limit::Ratio(1.11);
const SCHEDULER: Limit = Limit::Median(30.0);
/// The `mem` of a broker that nothing else is said of, in MiB.
const BROKER: Limit = Limit::Median(2048.0);
/// Messages of a hundred bytes that are sent at once.
const MESSAGES: usize = 200_000;
/// Where the broker by hand listens, beside those of the agent.
const PORT: u16 = 9092;

/// Each version on a cluster of its own; the first start of each does not count.
pub(crate) async fn measure(runs: u16) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for version in VERSIONS {
        entries.extend(of_version(version, runs).await?);
    }
    Ok(entries)
}

async fn of_version((package, version): (&str, &str), runs: u16) -> Result<Vec<Entry>> {
    let cluster = Cluster::builder()
        .for_a_person()
        .marathon()
        .mesos_dns()
        .admin_router()
        .universe()
        .boot()
        .await?;
    let kafka = cluster.kafka().await?;
    let chapter = chapter(&kafka, package, version).await?;
    let lease = Lease::take(cluster.engine(), "bench", false).await?;
    let bare = Bare::make(&cluster, &lease, version).await?;
    let (mut started, mut by_hand, mut taken, mut taken_bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut parts = Vec::new();
    for run in 0..=runs {
        kafka.command(&["broker", "stop", "0"]).await?.success()?;
        let (ours, endpoint, part) = start(&cluster, &kafka, version).await?;
        let (floor, address) = bare.start(version).await?;
        let (sent, sent_bare) = (send(version, &endpoint).await?, send(version, &address).await?);
        bare.stop().await?;
        if run > 0 {
            started.push(ours);
            parts.push(part);
            by_hand.push(floor);
            taken.push(sent);
            taken_bare.push(sent_bare);
        }
    }
    let resident = resident(&cluster).await?;
    let removed = removal::remove(cluster.engine(), &Selection::lease(lease.id())).await;
    cluster.down().await?;
    if !removed.leaked.is_empty() {
        return Err(Error::new(Kind::Cleanup, "the bench left something").evidence(removed.leaked.join("\n")));
    }
    let name = |what: &str| format!("kafka-{version}.{what}");
    let entries = [
        Entry::new(name("chapter"), vec![chapter], Vec::new(), Some(CHAPTER)),
        Entry::new(name("start-to-acknowledged"), started, by_hand, None),
        Entry::new(name("200000-messages"), taken, taken_bare, Some(TAKEN)),
        Entry::new(name("scheduler-resident"), vec![resident], Vec::new(), Some(SCHEDULER))
            .map(|entry| entry.of(MEBIBYTE)),
    ];
    Ok(entries.into_iter().flatten().chain(of_parts(version, &parts)).collect())
}

/// A row for each part of a start, and one for the broker's memory.
fn of_parts(version: &str, parts: &[Start]) -> Vec<Entry> {
    let row = |what: &str, of: fn(&Start) -> f64, limit| {
        let samples = parts.iter().map(of).collect();
        Entry::new(format!("kafka-{version}.{what}"), samples, Vec::new(), limit)
    };
    let rows = [
        row("start.offer", |part| part.offer, None),
        row("start.fetch", |part| part.fetch, None),
        row("start.unpack", |part| part.unpack, None),
        row("start.jvm", |part| part.jvm, None),
        row("start.registration", |part| part.registration, None),
        row("broker-resident", |part| part.resident, Some(BROKER)).map(|entry| entry.of(MEBIBYTE)),
    ];
    rows.into_iter().flatten().collect()
}

/// README "Deploying Kafka", from the install to the second message.
async fn chapter(kafka: &Kafka<'_>, package: &str, version: &str) -> Result<f64> {
    let began = Instant::now();
    kafka.install(package, &json!({})).await?;
    let endpoint = kafka.start("0", &[]).await?;
    kafka.command(&["topic", "add", "topic1"]).await?.success()?;
    acknowledged(version, &endpoint).await?;
    acknowledged(version, &endpoint).await?;
    Ok(seconds(began.elapsed()))
}

/// By the scheduler's own API: what the client's Python takes is no part of it.
async fn start(cluster: &Cluster, kafka: &Kafka<'_>, version: &str) -> Result<(f64, String, Start)> {
    let api: Http = kafka.api().await?;
    let (began, asked) = (Instant::now(), wall());
    let start = api.get("api/broker/start").query("broker", 0).query("timeout", 0);
    start.send().await?.ok()?;
    let endpoint = kafka.await_endpoint("0").await?;
    let told = wall();
    acknowledged(version, &endpoint).await?;
    let took = seconds(began.elapsed());
    Ok((took, endpoint, parts(cluster, asked, told).await?))
}

fn client(version: &str, endpoint: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", endpoint)
        .set("message.timeout.ms", "30000");
    config
        .set("reconnect.backoff.ms", "10")
        .set("reconnect.backoff.max.ms", "50")
        .set("retry.backoff.ms", "10");
    for (name, value) in client_settings(version) {
        config.set(name, value);
    }
    config
}

/// One message to the topic of the README, as soon as it is taken.
async fn acknowledged(version: &str, endpoint: &str) -> Result<()> {
    let failed = || format!("{endpoint} takes no message");
    let producer: FutureProducer = client(version, endpoint).create().context(Kind::Internal, failed)?;
    let record: FutureRecord<'_, (), str> = FutureRecord::to("topic1").payload("message");
    let sent = producer.send(record, Timeout::Never).await;
    sent.map(drop)
        .map_err(|(error, _)| Error::new(Kind::Answer, failed()).caused_by(error))
}

/// How long many messages take, from the first that is sent to the last that is acknowledged.
async fn send(version: &str, endpoint: &str) -> Result<f64> {
    let failed = || format!("{endpoint} does not take messages");
    let mut config = client(version, endpoint);
    config
        .set("queue.buffering.max.messages", "1000000")
        .set("linger.ms", "5");
    let producer: ThreadedProducer<_> = config.create().context(Kind::Internal, failed)?;
    acknowledged(version, endpoint).await?;
    let sending = tokio::task::spawn_blocking(move || {
        let (text, began) = ("x".repeat(100), Instant::now());
        for _ in 0..MESSAGES {
            let record: BaseRecord<'_, (), str> = BaseRecord::to("topic1").payload(&text);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(Duration::from_secs(60))?;
        Ok::<_, rdkafka::error::KafkaError>(seconds(began.elapsed()))
    });
    let sent = sending.await.map_err(|error| Error::internal(error.to_string()))?;
    sent.context(Kind::Answer, failed)
}

/// A broker of the same archive on the same node, started by hand.
struct Bare<'c> {
    cluster: &'c Cluster,
    container: String,
    address: String,
}

impl<'c> Bare<'c> {
    async fn make(cluster: &'c Cluster, lease: &Lease, version: &str) -> Result<Self> {
        let node = cluster.slave(1)?;
        let image = cluster.images().ensure(&ImageSpec::new("kafka")).await?;
        let name = format!("{}-bench-kafka", cluster.name());
        let spec = ContainerSpec::new(&name, image, lease.labels().clone())
            .place(Place::Joins(node.container("holder")))
            .entrypoint(["sleep", "infinity"]);
        spec.create(cluster.engine()).await?;
        container::start(cluster.engine(), &name).await?;
        let (host, zookeeper) = (node.address(), cluster.master().address());
        let bare = Bare {
            cluster,
            container: name,
            address: format!("{host}:{PORT}"),
        };
        let listens = match version.starts_with("0.8") {
            true => format!("host.name={host}\\nport={PORT}"),
            false => format!("listeners=PLAINTEXT://{host}:{PORT}"),
        };
        let unpack = format!(
            "mkdir /w && cd /w && for name in jre-17-openjdk 'kafka_*-{version}'; do \
             tar xzf /srv/downloads.example/kafka/$name.tgz; done && cp kafka_*/config/server.properties . && \
             printf 'broker.id=0\\nlog.dirs=/w/logs\\nzookeeper.connect={zookeeper}:2181/bare\\n{listens}\\n' \
             >>server.properties"
        );
        bare.shell(&unpack).await?;
        bare.start(version).await?;
        bare.stop().await?;
        Ok(bare)
    }

    async fn shell(&self, line: &str) -> Result<String> {
        let spec = ExecSpec::new(["sh", "-c", line]);
        Ok(exec(self.cluster.engine(), &self.container, spec)
            .await?
            .success()?
            .stdout)
    }

    /// With nothing in its logs, as a broker in a new sandbox.
    async fn start(&self, version: &str) -> Result<(f64, String)> {
        let began = Instant::now();
        let line = "cd /w && rm -rf logs && { KAFKA_HEAP_OPTS=-Xmx1024m setsid kafka_*/bin/kafka-server-start.sh \
                    server.properties >broker.log 2>&1 </dev/null & echo $! >pid; }";
        self.shell(line).await?;
        acknowledged(version, &self.address).await?;
        Ok((seconds(began.elapsed()), self.address.clone()))
    }

    async fn stop(&self) -> Result<()> {
        self.shell("kill $(cat /w/pid)").await?;
        Wait::that("the broker by hand has ended", BROKER_STATE)
            .until(
                async || match self.shell("kill -0 $(cat /w/pid) 2>/dev/null || echo ended").await {
                    Ok(said) if said.contains("ended") => Probe::Ready(()),
                    Ok(_) => Probe::NotYet("it runs".to_owned()),
                    Err(error) => Probe::NotYet(error.to_string()),
                },
            )
            .await
    }
}

/// Of the scheduler's process, in MiB.
async fn resident(cluster: &Cluster) -> Result<f64> {
    let list = ExecSpec::new(["ps", "-eo", "rss,args"]);
    let list = cluster.slave(1)?.exec(mesos_agent::NAME, list).await?.success()?.stdout;
    let scheduler = list
        .lines()
        .find(|line| line.contains("kafka-mesos") && line.contains(" scheduler ") && !line.contains("sh -c"));
    let kibibytes = scheduler.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    let kibibytes =
        kibibytes.ok_or_else(|| Error::new(Kind::Answer, "no process is Kafka's scheduler").evidence(list))?;
    Ok(kibibytes / 1024.0)
}
