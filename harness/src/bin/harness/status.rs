//! `harness status`.

use std::time::Duration;

use clap::Args;
use harness::docker::Engine;
use harness::{Result, labels};
use owo_colors::AnsiColors;

use crate::output;
use crate::table::{Cell, Table};
use crate::target::{self, Json, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness status
  harness status --name lab
  harness status --json | jq '.containers[] | select(.state != \"running\")'";

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    name: Name,
    #[command(flatten)]
    json: Json,
}

/// Shows what runs of one cluster; as JSON, a [`harness::cluster::ClusterSummary`].
pub(crate) async fn run(args: Status) -> Result<()> {
    let engine = Engine::connect().await?;
    let found = target::find(&engine, &args.name.name).await?;
    if args.json.json {
        return output::json(&found);
    }
    let mut rows = Table::new(["NODE", "COMPONENT", "STATE"]);
    for container in &found.containers {
        let color = match container.state.as_str() {
            "running" => AnsiColors::Green,
            "created" | "paused" | "restarting" => AnsiColors::Yellow,
            _ => AnsiColors::Red,
        };
        rows.row([
            (&container.node).into(),
            (&container.component).into(),
            Cell::new(&container.status).color(color),
        ]);
    }
    output::line(format_args!(
        "{}: {}, up for {}, made for {}\n{rows}",
        found.name,
        found.subnet,
        age(found.created),
        found.scenario
    ))
}

pub(crate) fn age(created: u64) -> String {
    humantime::format_duration(Duration::from_secs(labels::now().saturating_sub(created))).to_string()
}
