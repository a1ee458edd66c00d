//! What Spark on Mesos costs: from its install to a dispatcher that takes submissions; from a submission to Pi, the
//! dispatcher's wait for an offer apart, against the same program that spark-submit runs by hand on the same node; and
//! what libmesos for the JVM adds to a callback, and keeps of ten thousand statuses.

use std::time::Instant;

use harness::docker::exec::ExecSpec;
use harness::toolbox::jvm_framework;
use harness::workload::spark::{self, Dispatcher, DriverState, IMAGE, Submission};
use harness::{Cluster, Error, Kind, Result};

use crate::measure::{Entry, Limit, MEBIBYTE, MILLISECOND, seconds};

const INSTALL: Limit = Limit::Median(6.0);
const TO_PI: Limit = Limit::Median(8.0);
const BY_HAND: Limit = Limit::Ratio(1.3);
const CALLBACK: Limit = Limit::Median(1.0);
const MEMORY: Limit = Limit::Ratio(1.05);
/// Submissions, after one that does not count.
const SUBMISSIONS: usize = 10;
/// A jar of each kind that the library is for.
const JARS: [&str; 2] = ["0.21.1", "1.11.0"];
const STATUSES: u32 = 10_000;

/// Each install is on a new cluster; the last of them takes the submissions.
pub(crate) async fn measure(runs: u16) -> Result<Vec<Entry>> {
    let (cluster, installs) = installed(runs).await?;
    let mut pi = Pi::default();
    for run in 0..=SUBMISSIONS {
        let sample = Sample::take(&cluster).await?;
        if run > 0 {
            pi.add(&sample);
        }
    }
    cluster.down().await?;
    let mut entries = vec![
        Entry::new("spark.install-to-submission", installs, Vec::new(), Some(INSTALL)),
        Entry::new("spark.submission-to-pi", pi.total, Vec::new(), Some(TO_PI)),
        Entry::new("spark.offer-wait", pi.waited, Vec::new(), None),
        Entry::new("spark.launch-to-pi", pi.launched, pi.by_hand, Some(BY_HAND)),
    ];
    for jar in JARS {
        entries.extend(library(jar).await?);
    }
    Ok(entries.into_iter().flatten().collect())
}

async fn installed(runs: u16) -> Result<(Cluster, Vec<f64>)> {
    let mut installs = Vec::new();
    loop {
        let builder = Cluster::builder().for_a_person().docker().marathon().mesos_dns();
        let cluster = builder
            .admin_router()
            .universe()
            .beside(spark::MEGABYTES)
            .boot()
            .await?;
        let tools = cluster.toolbox().await?;
        tools.dcos(&["package", "update"]).await?.success()?;
        let began = Instant::now();
        let install = ["package", "install", "--yes", "--app", spark::NAME];
        tools.dcos(&install).await?.success()?;
        cluster.spark().dispatcher().await?;
        installs.push(seconds(began.elapsed()));
        if installs.len() >= usize::from(runs) {
            return Ok((cluster, installs));
        }
        cluster.down().await?;
    }
}

/// What was measured of all.
#[derive(Default)]
struct Pi {
    total: Vec<f64>,
    waited: Vec<f64>,
    launched: Vec<f64>,
    by_hand: Vec<f64>,
}

impl Pi {
    fn add(&mut self, sample: &Sample) {
        self.total.push(sample.total);
        self.waited.push(sample.waited);
        self.launched.push(sample.total - sample.waited);
        self.by_hand.push(sample.by_hand);
    }
}

/// One submission, and one run by hand after it has given everything back.
struct Sample {
    total: f64,
    waited: f64,
    by_hand: f64,
}

impl Sample {
    async fn take(cluster: &Cluster) -> Result<Self> {
        let dispatcher = cluster.spark().dispatcher().await?;
        let (total, waited) = submitted(cluster, &dispatcher).await?;
        cluster.spark().idle().await?;
        let by_hand = by_hand(cluster).await?;
        cluster.spark().idle().await?;
        Ok(Sample { total, waited, by_hand })
    }
}

/// README "Example App", until its result is in the driver's sandbox; and how much of it was before its launch.
async fn submitted(cluster: &Cluster, dispatcher: &Dispatcher) -> Result<(f64, f64)> {
    let began = Instant::now();
    let id = dispatcher.submit(&Submission::pi(10)).await?;
    dispatcher
        .await_status(&id, &format!("the driver {id} is launched"), |status| {
            status.driver_state != DriverState::Queued
        })
        .await?;
    let waited = seconds(began.elapsed());
    let driver = cluster.spark().driver(&id).await?;
    let sandbox = cluster.spark().sandbox(&driver).await?;
    sandbox.await_text("stdout", "Pi is roughly ").await?;
    let total = seconds(began.elapsed());
    dispatcher.await_state(&id, DriverState::Finished).await?;
    Ok((total, waited))
}

/// The same program with the same memory, as a person runs it on the slave: its driver in a container of theirs.
async fn by_hand(cluster: &Cluster) -> Result<f64> {
    let line = format!(
        "sudo docker run --rm --net=host -e SPARK_JAVA_OPTS=-Dspark.mesos.executor.docker.image={IMAGE} {IMAGE} \
         ./bin/spark-submit --master mesos://zk://master.mesos:2181/mesos --driver-memory 512M --executor-memory 512M \
         --total-executor-cores 1 --class org.apache.spark.examples.SparkPi examples/spark-examples_2.10-1.1.1.jar 10 \
         2>/dev/null | {{ grep -m1 'Pi is roughly'; date +%s.%N; cat >/dev/null; }}"
    );
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let timed = format!("date +%s.%N; {line}");
    let output = shell.run(ExecSpec::new(["sh", "-c", &timed])).await?.success()?.stdout;
    let times: Vec<f64> = output.lines().filter_map(|line| line.trim().parse().ok()).collect();
    match (times.as_slice(), spark::pi(&output)) {
        ([began, ended], Some(_)) => Ok(ended - began),
        _ => Err(Error::new(Kind::Answer, "spark-submit by hand has no result").evidence(output)),
    }
}

/// From a status on the wire to its callback, and resident memory before and after so many of them.
async fn library(jar: &str) -> Result<Vec<Option<Entry>>> {
    let builder = Cluster::builder().for_a_person().agent_image(jvm_framework::image());
    let cluster = builder.beside(jvm_framework::MEGABYTES).boot().await?;
    let output = cluster
        .jvm_framework(1, jar, "", &format!("bench {STATUSES}"))
        .await?
        .stdout;
    cluster.down().await?;
    let figure = |before: &str| {
        let number = output.split(before).nth(1).and_then(|rest| rest.split(' ').next());
        number
            .and_then(|number| number.parse::<f64>().ok())
            .ok_or_else(|| Error::new(Kind::Answer, format!("the framework prints no `{before}`")).evidence(&output))
    };
    let mebibytes = |before: &str| figure(before).map(|kibibytes| vec![kibibytes / 1024.0]);
    let name = |what: &str| format!("libmesos-{jar}.{what}");
    let latency = Entry::new(name("callback"), vec![figure("median ")?], Vec::new(), Some(CALLBACK));
    let memory = Entry::new(
        name("resident-after-10000"),
        mebibytes("before, ")?,
        mebibytes("memory ")?,
        Some(MEMORY),
    );
    Ok(vec![
        latency.map(|entry| entry.of(MILLISECOND)),
        memory.map(|entry| entry.of(MEBIBYTE)),
    ])
}
