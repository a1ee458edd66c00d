//! `harness setup`.

use std::path::PathBuf;

use clap::Args;
use harness::Result;
use harness::client::browser;
use harness::component::{images_of, mesos_master, own_image};
use harness::docker::{Engine, engine};
use harness::image::Images;
use harness::package::artefacts::{Index, PackagedImage};
use harness::progress::Progress;
use harness::stack::{Stack, user_file, versions_of};
use harness::toolbox;
use harness::workload::kafka_manager;
use serde::Serialize;

use crate::output;
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness setup
  harness setup --no-images
  harness setup --stack ours.toml
  harness setup --json | jq -r .nextest

Where nothing is to do, it says nothing.";

#[derive(Args)]
pub(crate) struct SetupArgs {
    /// Leave the images alone: only cargo-nextest and the Docker engine.
    #[arg(long)]
    no_images: bool,
    /// A stack file: which image or version each component has.
    #[arg(long, env = harness::stack::STACK_VARIABLE, value_name = "FILE")]
    stack: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

/// What `setup --json` prints: what there is now, done by this command or before it.
#[derive(Serialize)]
struct Done {
    /// The program behind `cargo nextest`.
    nextest: PathBuf,
    /// The engine's address and version.
    engine: Answering,
    /// The reference of every image that clusters and scenarios run; empty with `--no-images`.
    images: Vec<String>,
}

#[derive(Serialize)]
struct Answering {
    /// As in `unix:///var/run/docker.sock`.
    address: String,
    /// As in `20.10.24`.
    version: String,
}

/// Prints nothing where nothing was to do; as JSON, a [`Done`].
pub(crate) async fn run(args: SetupArgs) -> Result<()> {
    let stack = Stack::load(user_file(args.stack.as_deref()).as_deref())?;
    let progress = looking();
    let mut references = Vec::new();
    let present = &mut references;
    let ready = harness::setup::run(&say, async move |engine| {
        if !args.no_images {
            *present = images(engine, &stack).await?;
        }
        Ok(())
    })
    .await?;
    drop(progress);
    if !args.json.json {
        return Ok(());
    }
    output::json(&Done {
        nextest: ready.nextest,
        engine: Answering {
            address: engine::address(),
            version: ready.engine.version,
        },
        images: references,
    })
}

/// Everything that a cluster of `stack` is made of, and what scenarios put beside it. For `conform` as well, which does
/// its own set-up. The references.
pub(crate) async fn images(engine: Engine, stack: &Stack) -> Result<Vec<String>> {
    let known = images_of(stack);
    let mut all = known.clone();
    all.extend([
        toolbox::image(),
        toolbox::clients::image(),
        toolbox::file_server::image(),
        browser::image(),
        toolbox::jvm_framework::image(),
        kafka_manager::image(),
    ]);
    all.extend(Index::ours()?.images().iter().map(PackagedImage::spec));
    // The scenarios boot every version that is known, whatever the stack says.
    let versions = versions_of(mesos_master::NAME).iter();
    all.extend(
        versions
            .map(|version| own_image(mesos_master::NAME, version))
            .filter(|image| !known.contains(image)),
    );
    Images::open(engine)?.ensure_all(&all).await
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
