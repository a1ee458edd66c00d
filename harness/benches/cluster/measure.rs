//! Samples, the entries of `latest.json`, and the table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};
use harness::evidence::write_atomically;
use harness::{Error, Result};
use serde::Serialize;

/// The unit of memory; that of time is `s`.
pub(crate) const MEBIBYTE: &str = "MiB";
/// What is too short for seconds of three places.
pub(crate) const MILLISECOND: &str = "ms";

/// What was measured of one thing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Samples {
    median: f64,
    min: f64,
    max: f64,
    runs: usize,
}

impl Samples {
    /// None where nothing was measured.
    pub(crate) fn of(mut seconds: Vec<f64>) -> Option<Self> {
        seconds.sort_by(f64::total_cmp);
        let (min, max) = (*seconds.first()?, *seconds.last()?);
        let middle = seconds.len() / 2;
        let median = if seconds.len() % 2 == 1 {
            seconds[middle]
        } else {
            f64::midpoint(seconds[middle - 1], seconds[middle])
        };
        Some(Samples {
            median: rounded(median),
            min: rounded(min),
            max: rounded(max),
            runs: seconds.len(),
        })
    }
}

/// What the project promises of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// Our median over that of the floor.
    Ratio(f64),
    /// Our median.
    Median(f64),
}

/// One figure, as `latest.json` has it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    name: String,
    unit: &'static str,
    ours: Samples,
    floor: Option<Samples>,
    ratio: Option<f64>,
    #[serde(skip)]
    limit: Option<Limit>,
}

impl Entry {
    /// None where there is no sample of ours. Samples are in seconds.
    pub(crate) fn new(name: impl Into<String>, ours: Vec<f64>, floor: Vec<f64>, limit: Option<Limit>) -> Option<Self> {
        let (ours, floor) = (Samples::of(ours)?, Samples::of(floor));
        let ratio = floor.as_ref().map(|floor| rounded(ours.median / floor.median));
        Some(Entry {
            name: name.into(),
            unit: "s",
            ours,
            floor,
            ratio,
            limit,
        })
    }

    /// The same in another unit.
    pub(crate) fn of(self, unit: &'static str) -> Self {
        Entry { unit, ..self }
    }

    /// The limit in words, and whether it is met; none of either where there is none, or no floor to hold it against.
    fn judged(&self) -> (String, &'static str) {
        let (words, met) = match self.limit {
            None => return (String::new(), ""),
            Some(Limit::Ratio(limit)) => (format!("≤ {limit} × floor"), self.ratio.map(|ratio| ratio <= limit)),
            Some(Limit::Median(limit)) => (format!("≤ {limit} {}", self.unit), Some(self.ours.median <= limit)),
        };
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "unknown",
        };
        (words, verdict)
    }
}

/// To the millisecond: what is beyond is noise.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Writes `target/bench/latest.json` under `root`.
pub(crate) fn write(root: &Path, entries: &[Entry]) -> Result<PathBuf> {
    let path = root.join("target/bench/latest.json");
    let mut text = serde_json::to_string_pretty(entries)
        .map_err(|error| Error::internal("the figures are no JSON").caused_by(error))?;
    text.push('\n');
    let folder = path.parent().expect("the path has two folders");
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::usage(format!("cannot make the folder {}", folder.display())).caused_by(error))?;
    write_atomically(&path, text.as_bytes())?;
    Ok(path)
}

/// The figures for people.
pub(crate) fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "MEDIAN", "MIN–MAX", "RUNS", "FLOOR", "RATIO", "LIMIT", ""]);
    for entry in entries {
        let (limit, verdict) = entry.judged();
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(&entry.name),
            right(format!("{:.3} {}", entry.ours.median, entry.unit)),
            right(format!("{:.3}–{:.3}", entry.ours.min, entry.ours.max)),
            right(entry.ours.runs.to_string()),
            right(
                entry
                    .floor
                    .as_ref()
                    .map_or(String::new(), |floor| format!("{:.3} {}", floor.median, entry.unit)),
            ),
            right(entry.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"))),
            Cell::new(limit),
            Cell::new(verdict),
        ]);
    }
    table
}

/// As samples are kept.
pub(crate) fn seconds(took: Duration) -> f64 {
    took.as_secs_f64()
}
