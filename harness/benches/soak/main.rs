//! `make soak`: all scenarios, run after run, and what each run came to. One that fails once and passes when it is tried
//! again is flaky; the exit code is 1 where any run had one, or a failure, or there was no time for all runs.
//!
//! Writes the table to `target/soak/latest.txt`, and the same as JSON beside it, after each run: a soak takes hours, and
//! whoever ends it early has what it found.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use harness::error::Context;
use harness::evidence::{self, write_atomically};
use harness::report::runner::{RunnerResults, read_junit};
use harness::report::verdict::RunnerVerdict;
use harness::{Error, Kind, Result};
use serde::Serialize;
use tokio::process::Command;

/// Of nextest: one more try for a test that failed.
const PROFILE: &str = "soak";
/// nextest's exit code for tests that failed: the table says which.
const TESTS_FAILED: i32 = 100;

/// How often, for how long, and what.
#[derive(Debug, Parser)]
#[command(name = "soak", version)]
struct Args {
    /// How many runs.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// How long all of them may take: the run that is under way then is ended, in order, and does not count.
    #[arg(long, default_value = "3h", value_name = "TIME")]
    within: humantime::Duration,
    /// Which scenarios, as a filter of nextest.
    #[arg(long, default_value = "all()", value_name = "FILTER")]
    filter: String,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one run came to.
#[derive(Debug, Serialize)]
struct Run {
    number: u16,
    tests: usize,
    passed: usize,
    failed: Vec<String>,
    flaky: Vec<String>,
    seconds: f64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs a poller, and any machine has one");
    match runtime.block_on(soak(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", error.explain());
            ExitCode::from(error.kind().exit_code())
        }
    }
}

/// True where there was time for all runs, and each test of each passed at its first try.
async fn soak(args: &Args) -> Result<bool> {
    let root = evidence::place::workspace_root();
    let ends = Instant::now() + *args.within;
    let mut runs = Vec::new();
    for number in 1..=args.runs {
        let Some(left) = ends.checked_duration_since(Instant::now()) else {
            break;
        };
        eprintln!("run {number} of {}, with {} left", args.runs, rounded(left));
        let Some(run) = run(&root, number, &args.filter, left).await? else {
            break;
        };
        runs.push(run);
        write(&root, &runs)?;
    }
    println!("{}", table(&runs));
    if runs.len() < usize::from(args.runs) {
        println!("\nended after {}: {} runs of {}", args.within, runs.len(), args.runs);
    }
    println!("\n{}", folder(&root).join("latest.txt").display());
    let clean = |run: &Run| run.failed.is_empty() && run.flaky.is_empty() && run.tests > 0;
    Ok(runs.len() == usize::from(args.runs) && runs.iter().all(clean))
}

/// One run, `None` where it took longer than there was time.
async fn run(root: &Path, number: u16, filter: &str, left: Duration) -> Result<Option<Run>> {
    let results = root.join("target/nextest").join(PROFILE).join("junit.xml");
    // What an earlier run left must not be read as this one's.
    drop(std::fs::remove_file(&results));
    let began = Instant::now();
    let mut nextest = nextest(root, filter)
        .spawn()
        .context(Kind::Environment, || "the test runner does not start".to_owned())?;
    // Taken, since waiting would close it; the guard ends the runner in order when it closes.
    let held = nextest.stdin.take();
    let status = tokio::time::timeout(left, nextest.wait()).await;
    let in_time = status.is_ok();
    let status = match status {
        Ok(status) => status,
        Err(_) => {
            drop(held);
            nextest.wait().await
        }
    };
    let status = status.context(Kind::Environment, || "the test runner is lost".to_owned())?;
    if !in_time {
        return Ok(None);
    }
    if !matches!(status.code(), Some(0 | TESTS_FAILED)) {
        let error = Error::new(Kind::Environment, format!("the test runner ended with {status}"));
        return Err(error.expected("success, or tests that failed"));
    }
    Ok(Some(judged(number, &read_junit(&results)?, began.elapsed())))
}

/// In a group of its own, under the guard that ends it when this process does.
fn nextest(root: &Path, filter: &str) -> Command {
    let filter = format!("package(scenarios) and ({filter})");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command
        .args(["guard", "--", "cargo", "nextest", "run", "--workspace", "--lib"])
        .args(["--profile", PROFILE, "--no-fail-fast", "--filterset", &filter])
        .env("INSTA_UPDATE", "no")
        .current_dir(root)
        .process_group(0)
        .stdin(Stdio::piped());
    // What cargo tells a benchmark of its package: with it, build scripts would run once more, and all that needs them.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_MANIFEST") || name.starts_with("CARGO_PKG") {
            command.env_remove(&*name);
        }
    }
    command
}

fn judged(number: u16, results: &RunnerResults, took: Duration) -> Run {
    let passed = |verdict: &RunnerVerdict| *verdict == RunnerVerdict::Passed;
    let mut run = Run {
        number,
        tests: results.len(),
        passed: 0,
        failed: Vec::new(),
        flaky: Vec::new(),
        seconds: took.as_secs_f64(),
    };
    for (test, attempts) in results {
        match (attempts.len(), attempts.iter().any(|attempt| passed(&attempt.verdict))) {
            (1, true) => run.passed += 1,
            (_, true) => run.flaky.push(test.clone()),
            (_, false) => run.failed.push(test.clone()),
        }
    }
    run
}

fn table(runs: &[Run]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["RUN", "TESTS", "PASSED", "FAILED", "FLAKY", "SECONDS"]);
    for run in runs {
        let counts = [run.tests, run.passed, run.failed.len(), run.flaky.len()];
        let counts = counts.map(|count| count.to_string());
        let row = std::iter::once(run.number.to_string()).chain(counts);
        table.add_row(row.chain([format!("{:.1}", run.seconds)]));
    }
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.to_string();
    for run in runs {
        for (what, tests) in [("failed", &run.failed), ("flaky", &run.flaky)] {
            for test in tests {
                text.push_str(&format!("\nrun {}: {what}: {test}", run.number));
            }
        }
    }
    text
}

fn folder(root: &Path) -> PathBuf {
    root.join("target/soak")
}

fn write(root: &Path, runs: &[Run]) -> Result<()> {
    let folder = folder(root);
    let cannot = || format!("{} cannot be written", folder.display());
    std::fs::create_dir_all(&folder).context(Kind::Environment, cannot)?;
    let json = serde_json::to_string_pretty(runs).context(Kind::Internal, || "the runs are no JSON".to_owned())?;
    write_atomically(&folder.join("latest.json"), format!("{json}\n").as_bytes())?;
    write_atomically(&folder.join("latest.txt"), format!("{}\n", table(runs)).as_bytes())
}

/// As in `1h 2m 3s`.
fn rounded(time: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(time.as_secs()))
}
