//! The resident memory of each stand-in.

use harness::component::{admin_router, haproxy, marathon, mesos_dns};
use harness::node::NodeName;
use harness::{Cluster, Error, Kind, Result};

use crate::measure::{Entry, Limit, MEBIBYTE};

/// Of one that is idle, in MiB.
const IDLE: Limit = Limit::Median(40.0);

/// Every service of a full stack that nobody uses.
pub(super) async fn measure(cluster: &Cluster) -> Result<Vec<Entry>> {
    let master = NodeName::Master(1);
    let parts = [
        (master, marathon::NAME),
        (master, mesos_dns::NAME),
        (master, admin_router::NAME),
        (NodeName::Haproxy(1), haproxy::NAME),
    ];
    let mut entries = Vec::new();
    for (node, component) in parts {
        let resident = resident(cluster, node, component).await?;
        let entry = Entry::new(
            format!("{component}.resident-idle"),
            vec![resident],
            Vec::new(),
            Some(IDLE),
        );
        entries.extend(entry.map(|entry| entry.of(MEBIBYTE)));
    }
    Ok(entries)
}

/// Of all processes of a component's container, in MiB. Pages that they share count for each.
pub(super) async fn resident(cluster: &Cluster, node: NodeName, component: &str) -> Result<f64> {
    let container = cluster.node(node)?.container(component);
    let top = cluster.engine().docker().top_processes(&container, None);
    let ran = format!("docker top {container}");
    let top = cluster
        .engine()
        .request("list the processes of a container", ran, top)
        .await?;
    let column = top.titles.iter().flatten().position(|title| title == "PID");
    let column = column.ok_or_else(|| unknown("the engine lists no PID"))?;
    let pids = top.processes.iter().flatten().filter_map(|process| process.get(column));
    let mut kibibytes = 0.0;
    for pid in pids {
        // One that ended meanwhile takes nothing.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = resident.and_then(|resident| resident.split_whitespace().next());
        kibibytes += number.and_then(|number| number.parse::<f64>().ok()).unwrap_or_default();
    }
    match kibibytes > 0.0 {
        true => Ok(kibibytes / 1024.0),
        false => Err(unknown("its processes are not among those of this machine")),
    }
}

fn unknown(why: &str) -> Error {
    Error::new(Kind::Environment, "the memory of a component is not known").caused_by(why.to_owned())
}
