//! The `harness` command: clusters for people, and the conformance run. One file for each verb.

mod certify;
mod cli;
mod completions;
mod conform;
mod doctor;
mod down;
mod env;
mod exec;
mod images;
mod logs;
mod open;
mod output;
mod package;
mod ps;
mod setup;
mod ssh;
mod start;
mod status;
mod stop;
mod sweep;
mod table;
mod target;
mod tool;
mod up;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use harness::{Error, Kind, Result};

use cli::{Cli, Command};

fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli, wants_json(&matches)))
    });
    let (cli, json) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return wrong_usage(&error),
    };
    anstream::ColorChoice::from(cli.color).write_global();
    let filter = tracing_subscriber::EnvFilter::try_from_env("HARNESS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,harness=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| output::Log)
        .with_ansi(false)
        .without_time()
        .with_level(false)
        .with_target(false)
        // It would complain of a standard error that nobody reads any more, by a panic.
        .log_internal_errors(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::new(Kind::Environment, "no runtime").caused_by(error);
            return failed(&error, json);
        }
    };
    let done = runtime.block_on(run(cli.command));
    harness::interrupt::await_end();
    match done {
        Ok(code) => code,
        Err(error) => failed(&error, json),
    }
}

/// Says what went wrong: to a person on standard error, and to a program in the place of the answer.
fn failed(error: &Error, json: bool) -> ExitCode {
    output::error(error);
    if json {
        // Standard output is closed or full: the exit code says the rest.
        drop(output::json_error(error));
    }
    ExitCode::from(error.kind().exit_code())
}

/// `--help` and `--version` come this way too.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.exit_code() == 0 {
        return ExitCode::SUCCESS;
    }
    let json = std::env::args()
        .take_while(|argument| argument != "--")
        .any(|argument| argument == "--json");
    if json {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        drop(output::json_error(&Error::usage(text)));
    }
    ExitCode::from(Kind::Usage.exit_code())
}

/// Whether the chosen verb, or the verb under it, was given `--json`.
fn wants_json(matches: &ArgMatches) -> bool {
    let own = matches.try_get_one::<bool>("json").ok().flatten();
    own.is_some_and(|json| *json) || matches.subcommand().is_some_and(|(_, verb)| wants_json(verb))
}

async fn run(command: Command) -> Result<ExitCode> {
    let done = match command {
        Command::Up(args) => up::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Ps(args) => ps::run(args).await,
        Command::Down(args) => down::run(args).await,
        Command::Ssh(args) => return ssh::run(args).await,
        Command::Exec(args) => return exec::run(args).await,
        Command::Env(args) => env::run(args).await,
        Command::Tool(args) => return tool::run(args).await,
        Command::Open(args) => open::run(args).await,
        Command::Start(args) => start::run(args).await,
        Command::Stop(args) => stop::run(args).await,
        Command::Logs(args) => logs::run(args).await,
        Command::Conform(args) => return conform::run(args).await,
        Command::Images(args) => images::run(args).await,
        Command::Package(args) => return package::run(args),
        Command::Certify(args) => return certify::run(args).await,
        Command::Doctor(args) => return doctor::run(args).await,
        Command::Setup(args) => setup::run(args).await,
        Command::Sweep(args) => sweep::run(args).await,
        Command::Completions(args) => completions::run(&args),
        Command::Guard { program } => return harness::guard::guard(&program).await.map(ExitCode::from),
        Command::Reap { lease } => harness::reap::reap(&lease).await.map(drop),
    };
    done.map(|()| ExitCode::SUCCESS)
}
