//! `harness conform`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use harness::catalogue::{RequirementId, Versions};
use harness::conform::{self, Finished, Options, Prepared};
use harness::docker::Engine;
use harness::doctor::{Ability, Answer};
use harness::keep::Keep;
use harness::report::model::{Capability, Docker};
use harness::report::{Conformance, Outcome};
use harness::stack::{Stack, user_file};
use harness::{Error, Result, report};
use serde::Serialize;

use crate::target::Json;
use crate::{output, setup, sweep};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness conform
  harness conform --only mesos.task --only 'zookeeper.*'
  harness conform --failed
  harness conform --stack fixtures/stacks/mesos-1.10.toml --json > verdict.json

It exits by the verdict: 0 conformant, 1 nonconformant, 2 inconclusive or partial, 3 the machine or the harness \
failed, 4 nothing ran.";

#[derive(Args)]
pub(crate) struct ConformArgs {
    /// Only this requirement, those that begin with it up to a dot, as in mesos.task, or those that fit a pattern, as in
    /// 'mesos.*.recovers'. May be repeated.
    #[arg(long, value_name = "ID", conflicts_with = "failed")]
    only: Vec<String>,
    /// Only what did not pass in the latest run.
    #[arg(long)]
    failed: bool,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
    /// Leave these scenarios' clusters to look at: failed or always. Signals remove them all the same.
    #[arg(long, env = harness::keep::VARIABLE, value_name = "WHICH")]
    keep: Option<Keep>,
    #[command(flatten)]
    json: Json,
}

/// What `conform --json` says; the report itself has the rest. The names of the fields stay as they are.
#[derive(Serialize)]
struct Judged<'a> {
    /// As in the report: `conformant`, `nonconformant`, `partial`, `invalid` or `not-run`.
    verdict: Conformance,
    /// The verdict's line.
    summary: String,
    /// The exit code of this command.
    exit_code: u8,
    /// The folder of the report: `report.json`, `report.html`, `junit.xml`, `summary.md`. Null where nothing ran.
    report: Option<PathBuf>,
    /// Requirement by requirement, as far as they were asked for.
    requirements: Vec<Judgement<'a>>,
    /// Why nothing ran.
    error: Option<&'a Error>,
}

/// One requirement.
#[derive(Serialize)]
struct Judgement<'a> {
    /// As in `mesos.task.runs`.
    id: &'a RequirementId,
    /// As in the report: `passed`, `failed` and so on.
    outcome: Outcome,
    /// Why it is none, or no pass.
    reason: Option<&'a str>,
}

/// Its exit code is the verdict: see [`conform`].
pub(crate) async fn run(args: ConformArgs) -> Result<ExitCode> {
    let stack_file = user_file(args.stack.as_deref());
    let stack = Stack::load(stack_file.as_deref())?;
    let options = Options {
        root: harness::workspace::checkout(),
        only: args.only,
        failed: args.failed,
        stack: stack_file,
        keep: args.keep.unwrap_or_default(),
        command: as_typed(),
    };
    let finished = conform::run(&options, async || Box::pin(prepare(&stack)).await).await?;
    if args.json.json {
        output::json(&judged(&finished))?;
    } else if let Some((directory, result)) = &finished.report {
        let summary = report::terminal(result, &directory.display().to_string());
        output::print(format_args!("\n{summary}"))?;
    }
    if args.keep.is_some_and(|keep| keep != Keep::Never) {
        list_kept().await?;
    }
    if let Some(refusal) = &finished.refusal {
        output::error(refusal);
    }
    Ok(ExitCode::from(finished.exit_code))
}

fn judged(finished: &Finished) -> Judged<'_> {
    let error = finished.refusal.as_ref();
    let Some((directory, report)) = &finished.report else {
        return Judged {
            verdict: Conformance::NotRun,
            summary: error.map(ToString::to_string).unwrap_or_default(),
            exit_code: finished.exit_code,
            report: None,
            requirements: Vec::new(),
            error,
        };
    };
    let selection = report.run.selection.as_ref();
    let asked = report
        .requirements
        .iter()
        .filter(|one| selection.is_none_or(|selection| selection.selected.contains(&one.id)));
    Judged {
        verdict: report.verdict,
        summary: report.summary.clone(),
        exit_code: finished.exit_code,
        report: Some(directory.clone()),
        requirements: asked
            .map(|one| Judgement {
                id: &one.id,
                outcome: one.outcome,
                reason: one.reason.as_deref(),
            })
            .collect(),
        error,
    }
}

/// What scenarios left on purpose, now or in an earlier run: nextest shows what passed tests say to nobody.
async fn list_kept() -> Result<()> {
    let clusters = harness::cluster::clusters(&Engine::connect().await?).await?;
    for cluster in clusters
        .into_iter()
        .filter(|one| one.kept && one.scenario.contains("::"))
    {
        let commands = harness::keep::commands(&cluster.name);
        output::line(format_args!(
            "kept {} of {}\n{commands}",
            cluster.name, cluster.scenario
        ))?;
    }
    Ok(())
}

async fn prepare(stack: &Stack) -> Result<Prepared> {
    let progress = setup::looking();
    let ready = harness::setup::run(&setup::say, async |engine| {
        sweep::before(&engine).await;
        setup::images(engine, stack).await.map(drop)
    })
    .await?;
    let capabilities = harness::doctor::capabilities(&ready.engine).await;
    drop(progress);
    Ok(Prepared {
        nextest: ready.nextest,
        docker: Docker {
            client: "bollard".to_owned(),
            server: ready.engine.version.clone(),
            api: ready.engine.api.clone(),
        },
        capabilities: capabilities.abilities.into_iter().filter_map(told).collect(),
        versions: Versions::of(stack),
    })
}

/// What the report says of one ability; nothing of one that could not be probed.
fn told((feature, ability): (String, Ability)) -> Option<Capability> {
    let supported = match ability.answer {
        Answer::Yes => true,
        Answer::No => false,
        Answer::Unknown => return None,
    };
    Some(Capability {
        feature,
        supported,
        probe: format!("{}: {}", ability.probe, ability.output),
    })
}

/// The command line, so that it can be pasted: the program by its name, since its path is of this machine.
fn as_typed() -> String {
    let arguments = std::env::args().skip(1).map(|argument| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    });
    std::iter::once("harness".to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
