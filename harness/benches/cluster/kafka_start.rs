//! Where the time of a broker's start goes, by what its node and ZooKeeper have noted; and what the broker takes.

use std::time::{SystemTime, UNIX_EPOCH};

use harness::component::mesos_agent;
use harness::docker::exec::ExecSpec;
use harness::{Cluster, Error, Kind, Result};
use serde_json::Value;

/// Says when the only broker's sandbox, its executor and its Java began, in seconds since 1970, how long its files took
/// to come, and how many kibibytes the Java has.
const NOTED: &str = r#"
now=$(date +%s.%N) && read -r up _ </proc/uptime
fields() { sed 's/.*) //' "/proc/$1/stat"; }
began() { fields "$1" | awk -v now="$now" -v up="$up" '{ printf "%s=%.3f\n", "'"$2"'", now - up + $20 / 100 }'; }
for process in /proc/[0-9]*; do
  case $(readlink "$process/exe") in */jre/bin/java) java=${process#/proc/} ;; esac
done
executor=$(fields "$java" | cut -d' ' -f2)
sandbox=$(readlink "/proc/$executor/cwd")
began "$java" java
began "$executor" executor
stat -c 'sandbox=%.3W' "$sandbox"
stat -c '%.3W %.3Y' "$sandbox"/*.tgz "$sandbox"/kafka-mesos* | awk '{ took += $2 - $1 } END { printf "fetch=%.3f\n", took }'
awk '/^VmRSS/ { print "resident=" $2 }' "/proc/$java/status"
"#;

/// The parts of one start, in seconds, in their order; and the broker's memory in MiB.
#[derive(Debug)]
pub(crate) struct Start {
    /// From the request to the sandbox: Mesos offers, the scheduler launches, the agent begins.
    pub(crate) offer: f64,
    /// The files of the broker come from the scheduler.
    pub(crate) fetch: f64,
    /// What else is done before the executor runs: unpacking above all.
    pub(crate) unpack: f64,
    /// From the executor to the broker's registration in ZooKeeper.
    pub(crate) jvm: f64,
    /// Until the scheduler tells the endpoint.
    pub(crate) registration: f64,
    /// Of the broker's process.
    pub(crate) resident: f64,
}

/// Now, as nodes have it: they share this machine's clock.
pub(crate) fn wall() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The parts of a start of broker 0 that was asked for at `began` and told of at `ended`, by [`wall`].
pub(crate) async fn parts(cluster: &Cluster, began: f64, ended: f64) -> Result<Start> {
    let noted = ExecSpec::new(["sh", "-c", NOTED]);
    let noted = cluster
        .slave(1)?
        .exec(mesos_agent::NAME, noted)
        .await?
        .success()?
        .stdout;
    let value = |name: &str| {
        let mut lines = noted.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(key, _)| *key == name);
        let found = found.and_then(|(_, value)| value.parse::<f64>().ok());
        found.ok_or_else(|| Error::new(Kind::Answer, format!("no {name} is noted")).evidence(noted.clone()))
    };
    let data = cluster.zookeeper().await?.data("/brokers/ids/0").await?;
    let registered: Value = serde_json::from_slice(&data).unwrap_or_default();
    let milliseconds = registered["timestamp"]
        .as_str()
        .and_then(|text| text.parse::<f64>().ok());
    let registered =
        milliseconds.ok_or_else(|| Error::new(Kind::Answer, "a broker says when it was registered"))? / 1000.0;
    let (sandbox, executor, fetch) = (value("sandbox")?, value("executor")?, value("fetch")?);
    Ok(Start {
        offer: sandbox - began,
        fetch,
        unpack: executor - sandbox - fetch,
        jvm: registered - executor,
        registration: ended - registered,
        resident: value("resident")? / 1024.0,
    })
}
