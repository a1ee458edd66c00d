//! `harness conform`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use harness::catalogue::Versions;
use harness::conform::{self, Options, Prepared};
use harness::doctor::{Ability, Answer};
use harness::report::model::{Capability, Docker};
use harness::stack::{Stack, user_file};
use harness::{Result, report};

use crate::{output, reap, setup};

#[derive(Args)]
pub(crate) struct ConformArgs {
    /// Only this requirement, or those that begin with it up to a dot, as in mesos.task. May be repeated.
    #[arg(long, value_name = "ID", conflicts_with = "failed")]
    only: Vec<String>,
    /// Only what did not pass in the latest run.
    #[arg(long)]
    failed: bool,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
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
        command: as_typed(),
    };
    let finished = conform::run(&options, async || prepare(&stack).await).await?;
    if let Some((directory, result)) = &finished.report {
        let summary = report::terminal(result, &directory.display().to_string());
        output::print(format_args!("\n{summary}"))?;
    }
    if let Some(refusal) = &finished.refusal {
        output::note(format_args!("error: {}", refusal.explain()));
    }
    Ok(ExitCode::from(finished.exit_code))
}

async fn prepare(stack: &Stack) -> Result<Prepared> {
    let ready = harness::setup::run(&setup::say, async |engine| {
        reap::sweep_before(&engine).await;
        setup::images(engine, stack).await
    })
    .await?;
    let capabilities = harness::doctor::capabilities(&ready.engine).await;
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
