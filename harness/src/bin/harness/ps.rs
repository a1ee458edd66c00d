//! `harness ps`.

use clap::Args;
use harness::Result;
use harness::cluster::{ClusterSummary, clusters};
use harness::docker::Engine;
use harness::owner::Life;
use owo_colors::AnsiColors;

use crate::output;
use crate::status::age;
use crate::table::{Cell, Table};
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness ps
  harness ps --json | jq -r '.[] | select(.owner.me) | .name'

What becomes of a cluster is told by the process that made it:
  kept      it has ended; the cluster stays until `harness down`
  alive     it runs, and removes the cluster when it ends
  removing  it has ended, and the cluster is being removed
  dead      it was killed, and its reaper too: `harness sweep` removes the cluster
  unknown   another user's, or another machine's";

#[derive(Args)]
pub(crate) struct Ps {
    #[command(flatten)]
    json: Json,
}

/// Lists every cluster of ours, whoever made it; as JSON, a list of [`ClusterSummary`].
pub(crate) async fn run(args: Ps) -> Result<()> {
    let engine = Engine::connect().await?;
    let found = clusters(&engine).await?;
    if args.json.json {
        return output::json(&found);
    }
    if found.is_empty() {
        output::note("no cluster of ours is on this engine; `harness up` boots one");
        return Ok(());
    }
    let header = [
        "CLUSTER", "OWNER", "PID", "PROCESS", "FOR", "RUN", "AGE", "NODES", "SUBNET",
    ];
    let mut rows = Table::new(header);
    for cluster in &found {
        rows.row(row(cluster));
    }
    output::line(rows)
}

fn row(cluster: &ClusterSummary) -> [Cell; 9] {
    let owner = &cluster.owner;
    let color = match owner.life {
        Life::Kept | Life::Alive => AnsiColors::Green,
        Life::Removing | Life::Unknown => AnsiColors::Yellow,
        Life::Dead => AnsiColors::Red,
    };
    let run = cluster.run.get(..13).unwrap_or(&cluster.run);
    [
        (&cluster.name).into(),
        (if owner.user.is_empty() { "unknown" } else { &owner.user }).into(),
        Cell::new(owner.pid.map_or(String::new(), |pid| pid.to_string())).right(),
        Cell::new(owner.life).color(color),
        (&cluster.scenario).into(),
        run.into(),
        age(cluster.created).into(),
        nodes(&cluster.nodes).into(),
        (&cluster.subnet).into(),
    ]
}

/// As in `1 master, 2 slaves`.
fn nodes(running: &[String]) -> String {
    let count = |kind: &str| running.iter().filter(|name| name.contains(kind)).count();
    let said = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    format!("{}, {}", said(count("master"), "master"), said(count("slave"), "slave"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_by_kind() {
        let running = ["mesos-master1", "mesos-slave1", "mesos-slave2"].map(str::to_owned);
        assert_eq!(nodes(&running), "1 master, 2 slaves");
        assert_eq!(nodes(&[]), "0 masters, 0 slaves");
    }
}
