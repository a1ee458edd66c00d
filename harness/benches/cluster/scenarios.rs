//! What all scenarios take on warm images, by the report of a conformance run, against the time that as many of the
//! smallest clusters take which are booted and removed by hand, two at a time: no suite that gives each scenario a
//! cluster of its own takes less.

use std::path::Path;

use harness::{Error, Kind, Result, report};
use tokio::process::Command;

use crate::floor::Floor;
use crate::growth;
use crate::measure::{Entry, Limit};

/// How often two clusters are booted by hand.
const PAIRS: usize = 3;

/// From the latest report, or that of a run made now. Nothing where there is no report of a whole run.
pub(crate) async fn measure(root: &Path, now: bool, floor: Option<&Floor>) -> Result<Vec<Entry>> {
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
    let clusters = report.requirements.iter().map(|one| one.attempts.len()).sum::<usize>();
    let by_hand = match floor {
        Some(floor) => booted_by_hand(floor, clusters).await?,
        None => Vec::new(),
    };
    let wall = Entry::new("scenarios.warm", vec![wall], by_hand, Some(Limit::Median(120.0)));
    let sum = Entry::new("scenarios.sum", vec![sum], Vec::new(), None);
    Ok(ready.into_iter().chain(wall).chain(sum).collect())
}

/// What `clusters` clusters take by hand, in seconds: nothing but their boot and their removal, by two at once as the
/// suite runs them here.
async fn booted_by_hand(floor: &Floor, clusters: usize) -> Result<Vec<f64>> {
    let (_, [first, second]) = growth::two_at_once().await?;
    let pairs = clusters as f64 / 2.0;
    let mut all = Vec::new();
    for _ in 0..PAIRS {
        let (one, other) = tokio::try_join!(floor.run(first, 1), floor.run(second, 1))?;
        let pair = one.boot.max(other.boot) + one.teardown.max(other.teardown);
        eprintln!("two clusters by hand, from nothing and back to nothing: {pair:.2} s; {clusters} scenarios");
        all.push(pair * pairs);
    }
    Ok(all)
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
