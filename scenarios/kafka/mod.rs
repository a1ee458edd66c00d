//! Kafka on Mesos: the package, its brokers and topics, and real clients of what they serve.

mod broker;
mod clients;
mod history;
mod lifecycle;
mod messages;
mod package;
mod placement;
mod process;
mod replication;
mod scheduler;
mod topic;
mod upkeep;

use harness::client::mesos::TaskState;
use harness::client::mesos::state::StatusEntry;
use harness::docker::exec::ExecSpec;
use harness::error::Context;
use harness::workload::kafka::{BROKER_MEGABYTES, VERSIONS};
use harness::{Cluster, Kind, Result};
use rstest::fixture;
use serde_json::json;

use crate::redactions::assert_text;

/// The README's cluster with everything that its chapter on Kafka reaches.
#[fixture]
async fn packaged() -> Result<Cluster> {
    with_slaves(1).await
}

/// The same with Kafka of the README's version on it, and no broker yet.
#[fixture]
async fn installed() -> Result<Cluster> {
    let cluster = with_slaves(1).await?;
    let (package, _) = VERSIONS[0];
    cluster.kafka().await?.install(package, &json!({})).await?;
    Ok(cluster)
}

/// As many slaves as the first one of the README, with room for a broker on each.
async fn with_slaves(count: u8) -> Result<Cluster> {
    let mut builder = Cluster::builder()
        .slaves(count)
        .marathon()
        .mesos_dns()
        .admin_router()
        .universe()
        .beside(BROKER_MEGABYTES * u64::from(count));
    for slave in 2..=count {
        builder = builder.resources(slave, "cpus:4;mem:2929;disk:35164;ports:[31000-32000]")?;
    }
    // Its future is large, and the stack of a test is not.
    Box::pin(builder.boot()).await
}

/// The file that the README names in `--options`, in the toolbox.
async fn readmes_options(cluster: &Cluster) -> Result<&'static str> {
    const PATH: &str = "/root/apps/kafka/options.json";
    let own = harness::workspace::fixtures().join("vagrant/apps/kafka/options.json");
    let text = std::fs::read(&own).context(Kind::Usage, || format!("{} cannot be read", own.display()))?;
    let write = ExecSpec::new(["sh", "-c", "mkdir -p \"${1%/*}\" && cat >\"$1\"", "sh", PATH]).stdin(text);
    cluster.toolbox().await?.run(write).await?.success()?;
    Ok("--options=/root/apps/kafka/options.json")
}

/// Compares with `snapshots/kafka/<name>.snap` what `dcos kafka` printed. The lowest port is the broker's, unless the
/// scheduler's app happens to have it.
async fn assert_printed(cluster: &Cluster, name: &str, text: &str) -> Result<()> {
    let app = cluster.marathon().app("/kafka").await?;
    let taken: Vec<u16> = app.tasks.iter().flat_map(|task| task.ports.clone()).collect();
    let lowest = (31000..).find(|port| !taken.contains(port)).unwrap_or_default();
    assert_text(cluster, "kafka", name, &text.replace(&format!(":{lowest}"), ":31000"));
    Ok(())
}

/// What a cluster's brokers have in ZooKeeper: one node for each that is registered.
async fn registered(cluster: &Cluster) -> Result<Vec<String>> {
    cluster.zookeeper().await?.children("/brokers/ids").await
}

/// The options of `broker add` for a small broker: several fit on one slave.
pub(crate) const SMALL: [&str; 6] = ["--cpus", "0.5", "--mem", "700", "--heap", "256"];

/// Broker tasks of the same broker that ran at one moment, by what Mesos knows of every task there ever was.
async fn duplicates(cluster: &Cluster) -> Result<Vec<String>> {
    let state = cluster.mesos().state().await?.typed;
    let frameworks = state.frameworks.iter().filter(|framework| framework.name == "kafka");
    let mut spans: Vec<(String, f64, f64, String)> = Vec::new();
    for task in frameworks.flat_map(|framework| framework.tasks.iter().chain(&framework.completed_tasks)) {
        let at = |wanted: &dyn Fn(&StatusEntry) -> bool| {
            task.statuses.iter().find(|one| wanted(one)).map(|one| one.timestamp)
        };
        if let Some(began) = at(&|status| status.state == TaskState::TaskRunning) {
            let ended = at(&|status| status.state.is_terminal()).unwrap_or(f64::INFINITY);
            spans.push((task.name.clone(), began, ended, task.id.to_string()));
        }
    }
    spans.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let pairs = spans
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0 && pair[1].1 < pair[0].2);
    Ok(pairs
        .map(|pair| format!("{} ran beside {}", pair[1].3, pair[0].3))
        .collect())
}
