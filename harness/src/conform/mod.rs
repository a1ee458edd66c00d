//! A conformance run: set-up, one `cargo nextest run` over the scenarios, and the report.
//!
//! Exit codes: 0 conformant, 1 nonconformant, 2 partial, 3 the machine or the harness failed, 4 nothing ran,
//! 64 wrong usage, 130 interrupted. A run of a selection (`--only`, `--failed`) exits by what was selected; the report's
//! verdict stays `partial`, since the rest was skipped.

mod facts;
mod runner;
mod select;

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::catalogue::{Catalogue, Versions};
use crate::evidence::{now, redact, write_atomically};
use crate::keep::Keep;
use crate::report::model::{Capability, Docker, Run, Selection};
use crate::report::runner::{RunnerResults, read_junit};
use crate::report::{self, Conformance, Report, merge};
use crate::{Error, Kind, Result};

pub use runner::Interrupt;

/// What a person asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The workspace's root.
    pub root: PathBuf,
    /// Ids, or beginnings of ids up to a dot; all where empty.
    pub only: Vec<String>,
    /// Only what did not pass in the latest run.
    pub failed: bool,
    /// A user's stack file.
    pub stack: Option<PathBuf>,
    /// Which clusters stay after their scenario.
    pub keep: Keep,
    /// The command as it was typed, for the report.
    pub command: String,
}

/// What the set-up gives: a machine on which clusters boot.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The program behind `cargo nextest`.
    pub nextest: PathBuf,
    /// The engine that the scenarios will use.
    pub docker: Docker,
    /// What probes said of the stack and the machine.
    pub capabilities: Vec<Capability>,
    /// The versions that the stack gives the components.
    pub versions: Versions,
}

/// What came of a run.
#[derive(Debug)]
pub struct Finished {
    /// The process's exit code.
    pub exit_code: u8,
    /// Where the report lies, and what it says; none where nothing was selected.
    pub report: Option<(PathBuf, Box<Report>)>,
    /// Why there is no report.
    pub refusal: Option<Error>,
}

impl Finished {
    fn nothing_ran(refusal: Error) -> Self {
        Finished {
            exit_code: Conformance::NotRun.exit_code(),
            report: None,
            refusal: Some(refusal),
        }
    }
}

/// Runs the scenarios and writes the report into `target/conformance/<run>/`.
///
/// # Errors
/// [`Kind::Usage`] where the catalogue or an option is wrong; [`Kind::Environment`] where nextest is missing or the
/// scenarios do not build; [`Kind::Interrupted`] where a signal came before the first scenario; any error of
/// `prepare`, as the environment's where it blames a cluster; [`Kind::Internal`] where the report cannot be written.
pub async fn run(options: &Options, prepare: impl AsyncFnOnce() -> Result<Prepared>) -> Result<Finished> {
    let begun = Begun {
        clock: Instant::now(),
        started: now(),
        folders: facts::Folders::of(&options.root),
        catalogue: Catalogue::load(&options.root.join("scenarios/requirements")).map_err(unstarted)?,
    };
    let selection = match select::selection(options, &begun.catalogue, &begun.folders).map_err(unstarted)? {
        Ok(selection) => selection,
        Err(refusal) => return Ok(Finished::nothing_ran(refusal)),
    };
    let mut interrupt = Interrupt::install()?;
    let listed = list(options, &begun.folders, &mut interrupt, prepare).await;
    let listed = listed.map_err(unstarted)?;
    let chosen = select::tests(&listed.tests, &begun.catalogue, selection.as_ref(), &listed.prepared);
    if chosen.is_empty() {
        let refusal = select::nothing(&listed.tests, selection.as_ref());
        return Ok(Finished::nothing_ran(refusal));
    }
    let ended = listed.nextest.run(&listed.tests, &chosen, &mut interrupt).await?;
    report_on(options, &begun, selection, &listed, &ended).await
}

/// What a run knows before it asks the machine anything.
struct Begun {
    clock: Instant,
    started: String,
    folders: facts::Folders,
    catalogue: Catalogue,
}

/// A machine on which clusters boot, and the scenarios, built.
struct Listed {
    prepared: Prepared,
    /// The run's folder.
    directory: PathBuf,
    nextest: runner::Nextest,
    tests: Vec<String>,
}

/// Makes ready all that the first scenario needs.
async fn list(
    options: &Options,
    folders: &facts::Folders,
    interrupt: &mut Interrupt,
    prepare: impl AsyncFnOnce() -> Result<Prepared>,
) -> Result<Listed> {
    let prepared = interrupt.or(prepare()).await?;
    let directory = folders.begin()?;
    report::write_capabilities(&prepared.capabilities, &directory)?;
    keep_stack(options, &directory)?;
    let nextest = runner::Nextest::new(options, &prepared, &directory);
    let tests = nextest.list(interrupt).await?;
    Ok(Listed {
        prepared,
        directory,
        nextest,
        tests,
    })
}

/// Before the first scenario there is no cluster to blame: exit code 1 would read as nonconformant.
fn unstarted(error: Error) -> Error {
    if error.kind().is_subjects_fault() {
        error.blaming(Kind::Environment)
    } else {
        error
    }
}

/// Builds the report of a run that came to its end, or was ended, and makes it the latest.
async fn report_on(
    options: &Options,
    begun: &Begun,
    selection: Option<Selection>,
    listed: &Listed,
    ended: &runner::Ended,
) -> Result<Finished> {
    let Listed {
        prepared, directory, ..
    } = listed;
    let (runner, mut problems) = results(&listed.nextest, ended, directory)?;
    let (evidence, unreadable) = merge::read_evidence(directory);
    problems.extend(unreadable);
    let stack = options.stack.as_deref().map(absolute);
    let run = Run {
        id: begun.folders.id.clone(),
        suite_version: env!("CARGO_PKG_VERSION").to_owned(),
        git: facts::git(&options.root).await,
        command: options.command.clone(),
        ended: now(),
        first_scenario_s: facts::first_scenario(&begun.started, &evidence),
        started: begun.started.clone(),
        duration_s: (begun.clock.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        host: facts::host(&prepared.docker),
        seed: None,
        stack: stack.map(|path| path.display().to_string()),
        selection,
        interrupted: ended.interrupted,
    };
    let report = merge::build(merge::Inputs {
        catalogue: &begun.catalogue,
        tests: &listed.tests,
        runner: &runner,
        evidence: &evidence,
        capabilities: &prepared.capabilities,
        versions: &prepared.versions,
        run,
        mode: "booted",
        problems,
        directory,
    });
    report::write(&report, directory)?;
    begun.folders.finish()?;
    let exit_code = if ended.interrupted {
        Kind::Interrupted.exit_code()
    } else {
        report.exit_code()
    };
    Ok(Finished {
        exit_code,
        report: Some((directory.clone(), Box::new(report))),
        refusal: None,
    })
}

/// What nextest saw, kept beside the report, and what is wrong with how it ended.
fn results(nextest: &runner::Nextest, ended: &runner::Ended, directory: &Path) -> Result<(RunnerResults, Vec<String>)> {
    let mut problems = Vec::new();
    let junit = nextest.junit();
    let results = if junit.is_file() {
        let results = read_junit(&junit)?;
        let bytes = std::fs::read(&junit).unwrap_or_default();
        write_atomically(
            &directory.join("nextest-junit.xml"),
            redact(&String::from_utf8_lossy(&bytes)).as_bytes(),
        )?;
        results
    } else {
        if !ended.interrupted {
            problems.push(format!(
                "nextest left no {}; it ended with {}",
                junit.display(),
                ended.status
            ));
        }
        RunnerResults::new()
    };
    if let Some(problem) = ended.problem() {
        problems.push(problem);
    }
    Ok((results, problems))
}

fn keep_stack(options: &Options, directory: &Path) -> Result<()> {
    let Some(path) = &options.stack else {
        return Ok(());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read the stack file {}", path.display())).caused_by(error))?;
    write_atomically(&directory.join("config.redacted.toml"), redact(&text).as_bytes())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The filter expression of a selection of tests.
fn filterset(tests: &[String]) -> String {
    tests
        .iter()
        .map(|test| format!("test(={test})"))
        .collect::<Vec<_>>()
        .join(" | ")
}

/// The selection's options as they were given.
fn asked(options: &Options) -> Vec<String> {
    let only = options.only.iter().flat_map(|only| ["--only".to_owned(), only.clone()]);
    only.chain(options.failed.then(|| "--failed".to_owned())).collect()
}

fn selection_of(options: &Options, mut selected: Vec<crate::catalogue::RequirementId>) -> Selection {
    selected.sort();
    selected.dedup();
    Selection {
        asked: asked(options),
        selected,
    }
}
