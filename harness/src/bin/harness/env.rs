//! `harness env`.

use clap::Args;
use harness::toolbox::commands::{self, Shell};
use harness::toolbox::{Person, Toolbox};
use harness::{Error, Kind, Result, error::Context as _};
use serde::Serialize;

use crate::output;
use crate::target::{self, Json, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  eval \"$(harness env)\"             in sh, bash, zsh; then `dcos node`
  harness env | source              in fish
  eval \"$(harness env --name lab)\"  another cluster
  eval \"$(harness env --unset)\"     as it was

The commands run in a container beside the cluster, as you and with your files: your home, the folder you are in and \
/tmp are there at the same paths. `harness tool` runs the same programs without changing the PATH.";

#[derive(Args)]
pub(crate) struct Env {
    #[command(flatten)]
    name: Name,
    /// The shell that reads the lines: bash, dash, fish, ksh, sh or zsh; the one that calls, unless it is named.
    #[arg(long, value_parser = shell)]
    shell: Option<Shell>,
    /// Take the commands off the PATH again.
    #[arg(long)]
    unset: bool,
    #[command(flatten)]
    json: Json,
}

fn shell(text: &str) -> Result<Shell, String> {
    text.parse().map_err(|error: Error| error.explain())
}

/// What `env --json` says. The names of the fields stay as they are.
#[derive(Serialize)]
struct Environment {
    /// The cluster.
    name: String,
    /// The folder to put on the PATH.
    folder: String,
    /// The commands in it.
    commands: Vec<&'static str>,
    /// The container that they run in; another one where the working folder is not among those it has.
    container: String,
}

/// Prints lines for a shell to read; the toolbox is up when it has.
pub(crate) async fn run(args: Env) -> Result<()> {
    let harness = std::env::current_exe().context(Kind::Environment, || {
        "this program does not know where it lies".to_owned()
    })?;
    let shell = args.shell.unwrap_or_else(Shell::of_caller);
    let path = std::env::var("PATH").unwrap_or_default();
    if args.unset {
        return output::print(shell.leave(&commands::folder(&harness)?, &path));
    }
    let person = Person::this()?;
    let cluster = target::attach(&args.name).await?;
    let toolbox: Toolbox = cluster.toolbox_of(&person).await?;
    let folder = commands::install(&harness)?;
    if args.json.json {
        return output::json(&Environment {
            name: args.name.name,
            folder: folder.display().to_string(),
            commands: commands::NAMES.to_vec(),
            container: toolbox.container().to_owned(),
        });
    }
    output::print(shell.enter(&folder, cluster.name(), &path))
}
