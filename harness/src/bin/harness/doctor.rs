//! `harness doctor`.

use std::process::ExitCode;

use clap::Args;
use harness::doctor::{Check, Diagnosis, Verdict, examine};
use harness::progress::Progress;
use harness::{Kind, Result};
use owo_colors::{AnsiColors, OwoColorize};

use crate::output;
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness doctor
  harness doctor --json | jq '.checks[] | select(.verdict == \"missing\")'

It changes nothing. It exits with 0 where a cluster can boot, and with 3 otherwise.";

#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    json: Json,
}

/// 0 where a cluster can boot, 3 otherwise. As JSON, a [`Diagnosis`].
pub(crate) async fn run(args: DoctorArgs) -> Result<ExitCode> {
    let progress = Progress::start("doctor");
    progress.detail("looking at this machine");
    let diagnosis = examine().await;
    drop(progress);
    if args.json.json {
        output::json(&diagnosis)?;
    } else {
        output::line(table(&diagnosis))?;
    }
    Ok(if diagnosis.usable {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Kind::Environment.exit_code())
    })
}

fn table(diagnosis: &Diagnosis) -> String {
    let width = diagnosis.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for check in &diagnosis.checks {
        lines.push(line(check, width));
        if let Some(remedy) = &check.remedy {
            lines.push(format!("{:11} {:width$}  → {remedy}", "", ""));
        }
    }
    let count = |verdict| diagnosis.checks.iter().filter(|check| check.verdict == verdict).count();
    let (missing, warned) = (count(Verdict::Missing), count(Verdict::Warn));
    let summary = if diagnosis.usable { "usable" } else { "not usable" };
    lines.push(format!("\n{summary}: {missing} missing, {warned} to look at"));
    lines.join("\n")
}

fn line(check: &Check, width: usize) -> String {
    let color = match check.verdict {
        Verdict::Ok => AnsiColors::Green,
        Verdict::Warn => AnsiColors::Yellow,
        Verdict::Missing => AnsiColors::Red,
        Verdict::NotProbed => AnsiColors::BrightBlack,
    };
    let verdict = format!("{:<11}", check.verdict.to_string());
    format!("{} {:width$}  {}", verdict.color(color), check.name, check.found)
}
