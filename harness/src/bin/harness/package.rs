//! `harness package`: check, render, index and archive packages. Nothing here needs an engine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use harness::error::Context as _;
use harness::package::artefacts::Index;
use harness::package::lint::{Lint, Looked, Report};
use harness::package::render::{Files, Rendered, read_options};
use harness::package::source::{self, Package, Source};
use harness::package::{Check, Finding, Severity, index};
use harness::{Error, Kind, Result};
use owo_colors::OwoColorize as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::output;
use crate::table::{Cell, Table};
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness package lint my-packages/repo/packages/M/mine
  harness package lint fixtures/packages --offline
  harness package render my-packages/repo/packages/M/mine --options options.json | jq .app
  harness package index my-packages --check
  harness package zip my-packages universe.zip
  harness package checks

A PATH is a package's folder (with 0, 1, … in it), one of its revisions, a source (with repo/packages), an archive of
one, or a folder of these.";

/// The options of `harness package`.
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check packages by every rule that needs no cluster
    #[command(
        after_help = "Examples:\n  harness package lint mine\n  harness package lint mine --json | jq .findings\n\n\
                      It exits with 1 where there is an error; warnings alone are 0."
    )]
    Lint {
        /// Packages, sources or archives
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// A download that the artefact index does not have is an error
        #[arg(long)]
        offline: bool,
        /// The artefact index: what can be had without a network [default: that of this checkout]
        #[arg(long, value_name = "FILE")]
        artefacts: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Print the Marathon app and the requirements that an install would have
    #[command(after_help = "Example: harness package render mine --options options.json --revision 1")]
    Render {
        /// A package, or a source or archive with one package
        path: PathBuf,
        /// Which package of a source
        #[arg(long, value_name = "NAME")]
        package: Option<String>,
        /// A JSON file of options, as for `dcos package install --options`
        #[arg(long, value_name = "FILE")]
        options: Option<PathBuf>,
        /// The revision [default: the latest]
        #[arg(long, value_name = "N")]
        revision: Option<u32>,
        #[command(flatten)]
        json: Json,
    },
    /// Print the index of a source, as its build writes it
    #[command(
        after_help = "Examples:\n  harness package index my-packages\n  harness package index my-packages --write"
    )]
    Index {
        /// A source: a folder with repo/packages
        source: PathBuf,
        /// Write it to repo/meta/index.json
        #[arg(long, conflicts_with = "check")]
        write: bool,
        /// Say whether repo/meta/index.json is as it would be written
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Write the archive of a source that a client downloads; the same files give the same bytes
    #[command(after_help = "Example: harness package zip my-packages universe.zip")]
    Zip {
        /// A source: a folder with repo/packages
        source: PathBuf,
        /// The archive to write
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// List the checks of `lint`
    #[command(after_help = "Example: harness package checks --json | jq -r '.[].check'")]
    Checks {
        #[command(flatten)]
        json: Json,
    },
}

/// Runs `harness package`. As JSON, `lint` is a [`Linted`], `render` a [`Shown`], `index` the index, `zip` an
/// [`Archived`] and `checks` a list of [`Listed`].
///
/// # Errors
/// Those of [`harness::package`].
pub(crate) fn run(args: PackageArgs) -> Result<ExitCode> {
    match args.command {
        Command::Lint {
            paths,
            offline,
            artefacts,
            json,
        } => {
            let artefacts = match artefacts {
                Some(file) => Index::read(&file)?,
                None => Index::ours()?,
            };
            return lint(&Lint { artefacts, offline }, &paths, json.json);
        }
        Command::Render {
            path,
            package,
            options,
            revision,
            json,
        } => render(&path, package.as_deref(), options.as_deref(), revision, json.json),
        Command::Index {
            source,
            write,
            check,
            json,
        } => return index_of(&source, write, check, json.json),
        Command::Zip { source, file, json } => zip(&source, &file, json.json),
        Command::Checks { json } => checks(json.json),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// What `lint --json` says. The names of the fields stay as they are.
#[derive(Serialize)]
struct Linted<'a> {
    errors: usize,
    warnings: usize,
    packages: &'a [Looked],
    findings: &'a [Finding],
}

fn lint(lint: &Lint, paths: &[PathBuf], json: bool) -> Result<ExitCode> {
    let mut sources = Vec::new();
    for path in paths {
        sources.extend(source::open(path)?);
    }
    let report = lint.run(&sources);
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    if json {
        output::json(&Linted {
            errors,
            warnings,
            packages: &report.packages,
            findings: &report.findings,
        })?;
    } else {
        tell(&report)?;
    }
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Kind::Package.exit_code())
    })
}

fn tell(report: &Report) -> Result<()> {
    for finding in &report.findings {
        let severity = match finding.severity {
            Severity::Warning => format!("{}", "warning".yellow().bold()),
            _ => format!("{}", "error".red().bold()),
        };
        output::line(format_args!(
            "{}: {severity}: {}: {}",
            finding.place(),
            finding.check,
            finding.message
        ))?;
        output::line(format_args!("    {}", finding.remedy.bright_black()))?;
    }
    for package in &report.packages {
        for revision in &package.revisions {
            let (here, all) = (
                revision.assets.iter().filter(|asset| asset.offline).count(),
                revision.assets.len(),
            );
            output::line(format_args!(
                "{} {} (revision {}): rendered {} times, {} bad values refused, {here} of {all} assets in the index",
                package.name, revision.version, revision.revision, revision.renders, revision.refused
            ))?;
        }
    }
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    output::line(format_args!(
        "{}, {}",
        counted(errors, "error"),
        counted(warnings, "warning")
    ))
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// What `render --json` says. The names of the fields stay as they are.
#[derive(Serialize)]
struct Shown<'a> {
    package: &'a str,
    revision: u32,
    version: &'a str,
    #[serde(flatten)]
    rendered: &'a Rendered,
}

fn render(path: &Path, package: Option<&str>, options: Option<&Path>, revision: Option<u32>, json: bool) -> Result<()> {
    let sources = source::open(path)?;
    let (source, package) = one(path, &sources, package)?;
    let revision = package.revision(revision)?;
    let (files, findings) = Files::read(source, revision);
    if let Some(finding) = findings.first() {
        return Err(Error::new(Kind::Package, finding.to_string())
            .expected(finding.check.what())
            .hint(finding.remedy.clone()));
    }
    let user = options.map_or_else(|| Ok(json!({})), read_options)?;
    let rendered = files.render(&user)?;
    for unknown in &rendered.unknown {
        let nearest = unknown
            .nearest
            .as_ref()
            .map_or_else(String::new, |name| format!("; the nearest is {name}"));
        output::warning(format_args!("nothing declares the option {}{nearest}", unknown.option));
    }
    if json {
        let version = files
            .package
            .as_ref()
            .and_then(|package| package.value["version"].as_str());
        return output::json(&Shown {
            package: &package.name,
            revision: revision.number,
            version: version.unwrap_or_default(),
            rendered: &rendered,
        });
    }
    let mut shown = serde_json::Map::new();
    shown.insert("app".to_owned(), rendered.app.unwrap_or(Value::Null));
    shown.insert("command".to_owned(), rendered.command.unwrap_or(Value::Null));
    output::json(&shown)
}

/// The one package that is meant.
fn one<'s>(path: &Path, sources: &'s [Source], name: Option<&str>) -> Result<(&'s Source, &'s Package)> {
    if let ([source], Some(name)) = (sources, name) {
        return Ok((source, source.package(name)?));
    }
    let all: Vec<(&Source, &Package)> = sources
        .iter()
        .flat_map(|source| source.packages.iter().map(move |package| (source, package)))
        .filter(|(_, package)| name.is_none_or(|name| package.name == name))
        .collect();
    match all.as_slice() {
        [one] => Ok(*one),
        [] => Err(Error::usage(format!("{} has no such package", path.display()))),
        many => {
            let names: Vec<String> = many
                .iter()
                .map(|(source, package)| source.shown(package.folder.trim_end_matches('/')))
                .collect();
            Err(Error::usage(format!("{} has {} packages", path.display(), many.len()))
                .expected(format!("one of\n{}", names.join("\n"))))
        }
    }
}

fn index_of(path: &Path, write: bool, check: bool, json: bool) -> Result<ExitCode> {
    let source = one_source(path)?;
    let index = index::build(&source)?;
    let file = path.join("repo/meta/index.json");
    let text = index::text(&index)?;
    if write {
        std::fs::write(&file, &text).context(Kind::Environment, || format!("{} cannot be written", file.display()))?;
    }
    let there = std::fs::read_to_string(&file).ok();
    let current = there
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        .is_some_and(|there| there == index);
    if json {
        output::json(&index)?;
    } else if write || check {
        let state = if current {
            "is current"
        } else {
            "is not what the packages say"
        };
        output::line(format_args!("{} {state}", file.display()))?;
    } else {
        output::print(&text)?;
    }
    let stale = check && !current;
    Ok(if stale {
        ExitCode::from(Kind::Package.exit_code())
    } else {
        ExitCode::SUCCESS
    })
}

fn one_source(path: &Path) -> Result<Source> {
    let mut sources = source::open(path)?;
    match (sources.pop(), sources.is_empty()) {
        (Some(source), true) if source.root.is_some() => Ok(source),
        _ => Err(Error::usage(format!("{} is not one source", path.display())).expected("a folder with repo/packages")),
    }
}

/// What `zip --json` says.
#[derive(Serialize)]
struct Archived<'a> {
    file: &'a Path,
    bytes: usize,
    packages: Vec<&'a str>,
}

fn zip(path: &Path, file: &Path, json: bool) -> Result<()> {
    let source = one_source(path)?;
    let absolute = std::path::absolute(path).context(Kind::Usage, || format!("{} has no name", path.display()))?;
    let name = absolute.file_name().unwrap_or_default().to_string_lossy();
    let bytes = index::zip(&source, &name)?;
    std::fs::write(file, &bytes).context(Kind::Environment, || format!("{} cannot be written", file.display()))?;
    let packages: Vec<&str> = source.packages.iter().map(|package| package.name.as_str()).collect();
    if json {
        return output::json(&Archived {
            file,
            bytes: bytes.len(),
            packages,
        });
    }
    output::line(format_args!(
        "{}: {}, {} bytes",
        file.display(),
        counted(packages.len(), "package"),
        bytes.len()
    ))
}

/// One check, for `checks --json`.
#[derive(Serialize)]
struct Listed {
    check: Check,
    severity: Severity,
    demands: &'static str,
    remedy: &'static str,
}

fn checks(json: bool) -> Result<()> {
    let all = Check::ALL.iter().map(|check| Listed {
        check: *check,
        severity: check.severity(),
        demands: check.what(),
        remedy: check.remedy(),
    });
    if json {
        return output::json(&all.collect::<Vec<Listed>>());
    }
    let mut table = Table::new(["CHECK", "SEVERITY", "DEMANDS"]);
    for one in all {
        table.row([Cell::new(one.check), Cell::new(one.severity), Cell::new(one.demands)]);
    }
    output::line(table)
}
