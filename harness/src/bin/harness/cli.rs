//! The command line: every verb, its help and its examples.

use clap::{Parser, Subcommand, ValueEnum};
use harness::error::EXIT_CODES;

use crate::{
    certify, completions, conform, doctor, down, env, exec, images, logs, open, package, ps, setup, ssh, start, status,
    stop, sweep, tool, up,
};

/// Boots whole Apache Mesos clusters in Docker and judges what they do.
#[derive(Parser)]
#[command(name = "harness", version, after_help = exit_codes(), arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Colours: on a terminal, unless NO_COLOR is set; with CLICOLOR_FORCE everywhere.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, display_order = 900)]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Boot a cluster and leave it running.
    #[command(after_help = up::EXAMPLES)]
    Up(up::Up),
    /// Show the nodes and components of a cluster.
    #[command(after_help = status::EXAMPLES)]
    Status(status::Status),
    /// List every cluster of ours on this engine, and whose it is.
    #[command(after_help = ps::EXAMPLES)]
    Ps(ps::Ps),
    /// Remove a cluster.
    #[command(after_help = down::EXAMPLES)]
    Down(down::Down),
    /// Enter a node, or run a command there.
    #[command(after_help = ssh::EXAMPLES)]
    Ssh(ssh::Ssh),
    /// Run a command in a component's container.
    #[command(after_help = exec::EXAMPLES)]
    Exec(exec::Exec),
    /// Put the real clients on a shell's PATH: dcos, kafkacat, kcat, zkCli.sh.
    #[command(after_help = env::EXAMPLES)]
    Env(env::Env),
    /// Run one of the real clients against a cluster.
    #[command(after_help = tool::EXAMPLES)]
    Tool(tool::Tool),
    /// Print where Mesos answers, and open it in a browser.
    #[command(after_help = open::EXAMPLES)]
    Open(open::Open),
    /// Start a node: a slave that was not there, or one that was stopped.
    #[command(after_help = start::EXAMPLES)]
    Start(start::Start),
    /// Stop a node with everything on it.
    #[command(after_help = stop::EXAMPLES)]
    Stop(stop::Stop),
    /// Show the output of components.
    #[command(after_help = logs::EXAMPLES)]
    Logs(logs::Logs),
    /// Run the conformance scenarios and write the report.
    #[command(after_help = conform::EXAMPLES)]
    Conform(conform::ConformArgs),
    /// Build, list, check, prune, save or load the images.
    #[command(after_help = images::EXAMPLES)]
    Images(images::ImagesArgs),
    /// Check, render, index or archive packages.
    #[command(after_help = package::EXAMPLES)]
    Package(package::PackageArgs),
    /// Prove on a fresh cluster that a package does what it promises.
    #[command(after_help = certify::EXAMPLES)]
    Certify(certify::CertifyArgs),
    /// Check every prerequisite on this machine, with its remedy.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArgs),
    /// Install what the project needs on this machine.
    #[command(after_help = setup::EXAMPLES)]
    Setup(setup::SetupArgs),
    /// Remove what dead runs left behind.
    #[command(after_help = sweep::EXAMPLES)]
    Sweep(sweep::Sweep),
    /// Print completions for a shell.
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Completions),
    /// Hold a lease until standard input closes, then remove what it owns.
    #[command(hide = true)]
    Reap { lease: String },
    /// Run a program until it ends or standard input closes.
    #[command(hide = true)]
    Guard {
        #[arg(last = true)]
        program: Vec<std::ffi::OsString>,
    },
}

/// The library's table, for the end of `--help`.
fn exit_codes() -> String {
    let rows = EXIT_CODES.iter().map(|row| {
        let line = format!("{:>5}  {:<46}  {}", row.code, row.meaning, row.conform);
        line.trim_end().to_owned()
    });
    let table: Vec<String> = rows.collect();
    format!(
        "Exit codes:   of most commands                               of `conform`\n{}\n\
         `exec`, `tool` and `ssh NODE -- CMD` exit as CMD does.\n\n\
         `harness COMMAND --help` has examples.",
        table.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("  harness {}", verb.get_name());
            assert!(
                help.contains("Example") && help.contains(&example),
                "{}: {help}",
                verb.get_name()
            );
        }
    }
}
