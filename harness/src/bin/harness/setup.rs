//! `harness setup`.

use std::path::PathBuf;

use clap::Args;
use harness::Result;
use harness::component::{images_of, mesos_master, own_image};
use harness::docker::Engine;
use harness::image::Images;
use harness::progress::Progress;
use harness::stack::{Stack, user_file, versions_of};
use harness::toolbox;

use crate::output;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness setup
  harness setup --no-images
  harness setup --stack ours.toml

Where nothing is to do, it says nothing.";

#[derive(Args)]
pub(crate) struct SetupArgs {
    /// Leave the images alone: only cargo-nextest and the Docker engine.
    #[arg(long)]
    no_images: bool,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
}

/// Prints nothing where nothing was to do.
pub(crate) async fn run(args: SetupArgs) -> Result<()> {
    let stack = Stack::load(user_file(args.stack.as_deref()).as_deref())?;
    let _progress = looking();
    harness::setup::run(&say, async |engine| {
        if args.no_images {
            Ok(())
        } else {
            images(engine, &stack).await
        }
    })
    .await
    .map(drop)
}

/// Everything that a cluster of `stack` is made of, and what scenarios put beside it. For `conform` as well, which does
/// its own set-up.
pub(crate) async fn images(engine: Engine, stack: &Stack) -> Result<()> {
    let known = images_of(stack);
    let mut all = known.clone();
    all.push(toolbox::image());
    // The scenarios boot every version that is known, whatever the stack says.
    let versions = versions_of(mesos_master::NAME).iter();
    all.extend(
        versions
            .map(|version| own_image(mesos_master::NAME, version))
            .filter(|image| !known.contains(image)),
    );
    Images::open(engine)?.ensure_all(&all).await.map(drop)
}

/// A sign of life beside the lines of [`say`].
pub(crate) fn looking() -> Progress {
    let progress = Progress::start("setup");
    progress.detail("what the project needs on this machine");
    progress
}

/// Progress is for people: beside the results, which go to standard output.
pub(crate) fn say(line: &str) {
    output::note(line);
}
