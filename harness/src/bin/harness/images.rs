//! `harness images`: build, list, check, remove, save and load the images.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use harness::docker::Engine;
use harness::image::{ImageSpec, Images, Listed, State};
use harness::{Result, labels};
use owo_colors::AnsiColors;
use serde::Serialize;

use crate::output;
use crate::table::{Cell, Table};
use crate::target::Json;

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness images build
  harness images build mesos --arg MESOS_VERSION=1.10.0
  harness images list
  harness images prune
  harness images save all.tar      on a machine with a network, then, on one without:
  harness images load all.tar";

/// The options of `harness images`.
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build what is missing: the named images, else all that a cluster may run
    #[command(
        after_help = "Examples:\n  harness images build\n  harness images build mesos --arg MESOS_VERSION=1.10.0"
    )]
    Build {
        /// Folders of fixtures/images
        names: Vec<String>,
        /// An argument of the named images, as NAME=VALUE (repeatable)
        #[arg(long = "arg", value_name = "NAME=VALUE", value_parser = argument, requires = "names")]
        args: Vec<(String, String)>,
        #[command(flatten)]
        json: Json,
    },
    /// Show every image: current, missing, stale, or of a user's own folder
    #[command(
        after_help = "Example: harness images list --json | jq -r '.[] | select(.state == \"stale\") | .reference'"
    )]
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Check the downloaded artefacts and every image
    #[command(after_help = "Example: harness images verify")]
    Verify {
        #[command(flatten)]
        json: Json,
    },
    /// Remove the images that are stale, and what builds keep as their cache
    #[command(after_help = "Examples:\n  harness images prune\n  harness images prune mesos")]
    Prune {
        /// Only images of these names
        names: Vec<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Write every current image into one archive, for a machine without any image registry
    #[command(after_help = "Example: harness images save all.tar")]
    Save {
        /// The archive to write
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Bring the images of an archive that `save` wrote
    #[command(after_help = "Example: harness images load all.tar")]
    Load {
        /// The archive to read
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
}

fn argument(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What `build --json` prints.
#[derive(Serialize)]
struct Built {
    /// The references, built now or before.
    images: Vec<String>,
}

/// Runs `harness images`. As JSON, `build` is a [`Built`], `list` a list of [`Listed`], `verify` a
/// [`harness::image::Verified`], `prune` a [`harness::image::Pruned`], `save` a [`harness::image::Saved`] and `load` a
/// [`harness::image::Loaded`].
///
/// # Errors
/// Those of [`Images`].
pub(crate) async fn run(args: ImagesArgs) -> Result<()> {
    let images = Images::open(Engine::connect().await?)?;
    match args.command {
        Command::Build { names, args, json } => build(&images, &names, &args, json.json).await,
        Command::List { json } => list(&images.list().await?, json.json),
        Command::Verify { json } => verify(&images, json.json).await,
        Command::Prune { names, json } => prune(&images, &names, json.json).await,
        Command::Save { file, json } => {
            let saved = images.save(&file).await?;
            if json.json {
                return output::json(&saved);
            }
            let (count, size) = (saved.images.len(), bytes(saved.size));
            output::line(format_args!("{}: {count} images, {size}", file.display()))
        }
        Command::Load { file, json } => {
            let loaded = images.load(&file).await?;
            if json.json {
                return output::json(&loaded);
            }
            loaded.images.iter().try_for_each(output::line)
        }
    }
}

async fn build(images: &Images, names: &[String], args: &[(String, String)], json: bool) -> Result<()> {
    let with_args = |name: &String| {
        args.iter()
            .fold(ImageSpec::new(name), |spec, (name, value)| spec.arg(name, value))
    };
    let specs = if names.is_empty() {
        images.known()
    } else {
        names.iter().map(with_args).collect()
    };
    // A wrong name among right ones is told before anything is built.
    specs.iter().try_for_each(|spec| images.reference(spec).map(drop))?;
    let references = images.ensure_all(&specs).await?;
    if json {
        return output::json(&Built { images: references });
    }
    references.iter().try_for_each(output::line)
}

fn list(listed: &[Listed], json: bool) -> Result<()> {
    if json {
        return output::json(&listed);
    }
    let mut table = Table::new(["NAME", "TAG", "SIZE", "AGE", "STATE"]);
    for image in listed {
        let args: String = image
            .args
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let tag = image.reference.rsplit(':').next().unwrap_or_default();
        let age = image
            .created
            .map_or(String::new(), |created| age(labels::now().saturating_sub(created)));
        table.row([
            Cell::new(format!("{}{args}", image.name)),
            // An image without a name is shown by the start of its id.
            Cell::new(tag.get(..16).unwrap_or(tag)),
            Cell::new(image.size.map_or(String::new(), bytes)).right(),
            Cell::new(age).right(),
            Cell::new(image.state).color(colour(image.state)),
        ]);
    }
    output::line(table)?;
    let count = |state| listed.iter().filter(|image| image.state == state).count();
    match (count(State::Missing), count(State::Stale)) {
        (0, 0) => Ok(()),
        (missing, stale) => output::line(format_args!(
            "{missing} missing (`harness images build`), {stale} stale (`harness images prune`)"
        )),
    }
}

fn colour(state: State) -> AnsiColors {
    match state {
        State::Current | State::Own => AnsiColors::Green,
        State::Missing => AnsiColors::Red,
        State::Stale => AnsiColors::Yellow,
        State::Cache => AnsiColors::BrightBlack,
    }
}

async fn verify(images: &Images, json: bool) -> Result<()> {
    let verified = images.verify().await?;
    if json {
        return output::json(&verified);
    }
    for file in &verified.artefacts {
        output::line(format_args!("{file}: sha256 as pinned"))?;
    }
    for (reference, packages) in &verified.images {
        output::line(format_args!(
            "{reference}: present, {packages} Debian packages recorded"
        ))?;
    }
    Ok(())
}

async fn prune(images: &Images, names: &[String], json: bool) -> Result<()> {
    let pruned = images.prune(names).await?;
    if json {
        return output::json(&pruned);
    }
    for reference in &pruned.removed {
        output::line(format_args!("removed {reference}"))?;
    }
    for reference in &pruned.in_use {
        output::line(format_args!("kept {reference}: in use"))?;
    }
    if pruned.removed.is_empty() && pruned.in_use.is_empty() {
        output::line("nothing to remove")?;
    }
    Ok(())
}

/// As in `210.4 MB`.
fn bytes(bytes: u64) -> String {
    indicatif::DecimalBytes(bytes).to_string()
}

/// In its largest unit, as in `3 h`.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        assert_eq!(
            [age(59), age(60), age(7200), age(172_800)],
            ["59 s", "1 min", "2 h", "2 d"]
        );
    }

    #[test]
    fn an_argument_is_a_name_and_a_value() {
        assert_eq!(argument("A=b=c"), Ok(("A".to_owned(), "b=c".to_owned())));
        assert!(argument("A").is_err());
    }
}
