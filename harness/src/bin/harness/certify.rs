//! `harness certify`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use harness::certify::{self, AnyCheck, Certificate, Certifier, Judged, Verdict};
use harness::docker::Engine;
use harness::package::render::read_options;
use harness::progress::Progress;
use harness::report::Outcome;
use harness::{Error, Kind, Result, workspace};
use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::table::{Cell, Table};
use crate::{output, sweep};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness certify my-universe/repo/packages/M/mine
  harness certify mine --options options.json --out certificates/mine
  harness certify helloworld --json | jq -r '.checks[] | select(.outcome == \"failed\") | .check'
  harness certify --list-checks

It boots a cluster of its own, with two agents, and removes it. The package's downloads come from
the artefact index that lies nearest above it (artefacts.toml), by http:// URLs without a port:
the cluster has no TLS to serve them with, and nothing is asked of the network.

Exit codes: 0 certified, with warnings or without; 1 refused: a check failed; 3 the machine, the
engine or an image failed, and nothing is said of the package; 64 wrong usage, options that the
package does not take among it.";

/// The options of `harness certify`.
#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    /// A package's folder, a revision, a source or archive, or the name of a package of this checkout
    #[arg(required_unless_present = "list_checks", value_name = "PATH-OR-NAME")]
    named: Option<String>,
    /// Which one, where a source or an archive has several
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// A JSON file of options to install with, as for `dcos package install --options`
    #[arg(long, value_name = "FILE")]
    options: Option<PathBuf>,
    /// The revision [default: the latest]
    #[arg(long, value_name = "N")]
    revision: Option<u32>,
    /// A stack file: which image or version each component has
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
    /// The artefact index [default: artefacts.toml nearest above the package, else that of this checkout]
    #[arg(long, value_name = "FILE")]
    artefacts: Option<PathBuf>,
    /// The folder for certificate.json and certificate.html [default: target/certificates/NAME-REVISION]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long the service may take to be back after a loss, beside its tasks' grace period [default: 90]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    back_within: Option<u64>,
    /// Make no check after the first that fails on the cluster
    #[arg(long)]
    first_failure: bool,
    /// List every check, and boot nothing
    #[arg(long)]
    list_checks: bool,
    /// Print one JSON document: the certificate, or the list of checks
    #[arg(long)]
    json: bool,
}

/// Certifies a package, and exits by the verdict. As JSON it prints the [`Certificate`], or a list of [`Listed`].
///
/// # Errors
/// As [`Certifier::run`], and as [`certify::write`].
pub(crate) async fn run(args: CertifyArgs) -> Result<ExitCode> {
    let named = match (args.list_checks, &args.named) {
        (true, _) => return list(args.json).map(|()| ExitCode::SUCCESS),
        (false, Some(named)) => named.clone(),
        (false, None) => return Err(Error::usage("no package is named")),
    };
    let options = args.options.as_deref().map(read_options).transpose()?;
    let mut certifier = Certifier::of(&named)
        .package(args.package)
        .revision(args.revision)
        .stack_file(args.stack)
        .artefacts(args.artefacts)
        .back_within(args.back_within.map(Duration::from_secs));
    if let Some(options) = options {
        certifier = certifier.options(options);
    }
    if args.first_failure {
        certifier = certifier.until_first_failure();
    }
    certifier.check()?;
    sweep::before(&Engine::connect().await?).await;
    let progress = Progress::start(&named);
    progress.detail("certifying");
    let certificate = certifier.run().await?;
    drop(progress);
    let folder = args.out.unwrap_or_else(|| {
        let subject = &certificate.subject;
        workspace::root().join(format!("target/certificates/{}-{}", subject.name, subject.revision))
    });
    certify::write(&certificate, &folder)?;
    if args.json {
        output::json(&certificate)?;
    } else {
        tell(&certificate, &folder.display().to_string())?;
    }
    Ok(match certificate.verdict {
        Verdict::Certified => ExitCode::SUCCESS,
        _ => ExitCode::from(Kind::Package.exit_code()),
    })
}

fn tell(certificate: &Certificate, folder: &str) -> Result<()> {
    let subject = &certificate.subject;
    let summary = match certificate.verdict {
        Verdict::Certified => format!("{}", certificate.summary.green().bold()),
        _ => format!("{}", certificate.summary.red().bold()),
    };
    output::line(format_args!(
        "{} {} (revision {}): {summary}\n",
        subject.name, subject.version, subject.revision
    ))?;
    for judged in &certificate.checks {
        one(judged)?;
    }
    output::line(format_args!(
        "\n{:.0} s in all; certificate: {folder}/certificate.html",
        certificate.run.seconds
    ))
}

/// A line for each check on the cluster, and for each of the files that has something to say.
fn one(judged: &Judged) -> Result<()> {
    let of_files = matches!(judged.check, AnyCheck::Static(_));
    if of_files && judged.outcome == Outcome::Passed {
        return Ok(());
    }
    let outcome = format!("{:>14}", judged.outcome.as_str());
    let outcome = match judged.outcome {
        Outcome::Passed => format!("{}", outcome.green()),
        Outcome::Failed => format!("{}", outcome.red().bold()),
        Outcome::Nonstrict => format!("{}", outcome.yellow()),
        _ => format!("{}", outcome.bright_black()),
    };
    let seconds = if judged.seconds > 0.0 {
        format!("{:>7.1} s", judged.seconds)
    } else {
        String::new()
    };
    output::line(format_args!("{outcome}  {:<24}{seconds}", judged.check.id()))?;
    if let Some(reason) = judged.reason.as_deref().filter(|_| judged.outcome != Outcome::NotRun) {
        output::line(format_args!(
            "                {}",
            reason.lines().next().unwrap_or_default()
        ))?;
    }
    if judged.outcome == Outcome::Failed {
        for line in judged.evidence.iter().flat_map(|evidence| evidence.lines()) {
            output::line(format_args!("                  {line}"))?;
        }
        if let Some(remedy) = &judged.remedy {
            output::line(format_args!("                {}", remedy.bright_black()))?;
        }
    }
    Ok(())
}

/// One check, for `--list-checks --json`.
#[derive(Serialize)]
struct Listed {
    check: AnyCheck,
    /// Whether it needs a cluster.
    live: bool,
    demands: &'static str,
    remedy: &'static str,
}

fn list(json: bool) -> Result<()> {
    let all = AnyCheck::all().map(|check| Listed {
        check,
        live: matches!(check, AnyCheck::Live(_)),
        demands: check.what(),
        remedy: check.remedy(),
    });
    if json {
        return output::json(&all.collect::<Vec<Listed>>());
    }
    let mut table = Table::new(["CHECK", "ON", "DEMANDS"]);
    for one in all {
        let on = if one.live { "a cluster" } else { "files" };
        table.row([Cell::new(one.check.id()), on.into(), Cell::new(one.demands)]);
    }
    output::line(table)
}
