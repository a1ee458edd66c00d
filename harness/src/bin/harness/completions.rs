//! `harness completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};
use harness::Result;

use crate::cli::Cli;
use crate::output;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness completions bash > ~/.local/share/bash-completion/completions/harness
  harness completions zsh > ~/.zfunc/_harness      with fpath+=~/.zfunc before compinit in ~/.zshrc
  harness completions fish > ~/.config/fish/completions/harness.fish";

#[derive(Args)]
pub(crate) struct Completions {
    /// The shell that reads them.
    shell: Shell,
}

/// Prints what the shell is to read.
pub(crate) fn run(args: &Completions) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "harness", &mut script);
    output::print(String::from_utf8_lossy(&script))
}
