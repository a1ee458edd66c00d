//! What all scenarios take on warm images, by the report of a conformance run.

use std::path::Path;

use harness::{Error, Kind, Result, report};
use tokio::process::Command;

use crate::measure::{Entry, Limit};

/// From the latest report, or that of a run made now. Nothing where there is no report of a whole run.
pub(crate) async fn measure(root: &Path, now: bool) -> Result<Vec<Entry>> {
    if now {
        conform(root).await?;
    }
    let path = root.join("target/conformance/latest/report.json");
    if !path.is_file() {
        eprintln!(
            "no scenarios: there is no {}; `make bench ARGS=--scenarios` runs them",
            path.display()
        );
        return Ok(Vec::new());
    }
    let report = report::read(&path)?;
    if report.run.selection.is_some() || report.run.interrupted {
        eprintln!("no scenarios: the latest run was not of all of them; `make bench ARGS=--scenarios` runs them");
        return Ok(Vec::new());
    }
    eprintln!("scenarios: as of the run of {}", report.run.started);
    let wall = report.run.duration_s - report.run.first_scenario_s.unwrap_or_default();
    let sum = report
        .requirements
        .iter()
        .map(report::model::RequirementResult::duration_s)
        .sum();
    let ready = report.run.first_scenario_s.and_then(|ready| {
        Entry::new(
            "scenarios.first-starts",
            vec![ready],
            Vec::new(),
            Some(Limit::Median(3.0)),
        )
    });
    let wall = Entry::new("scenarios.warm", vec![wall], Vec::new(), Some(Limit::Median(120.0)));
    let sum = Entry::new("scenarios.sum", vec![sum], Vec::new(), None);
    Ok(ready.into_iter().chain(wall).chain(sum).collect())
}

async fn conform(root: &Path) -> Result<()> {
    let status = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("conform")
        .current_dir(root)
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| Error::internal("harness does not start").caused_by(error))?;
    // 1 and 2 are verdicts over the subject: the scenarios ran.
    match status.code() {
        Some(0..=2) => Ok(()),
        _ => Err(Error::new(Kind::Environment, format!("`harness conform` failed: {status}")).ran("harness conform")),
    }
}
