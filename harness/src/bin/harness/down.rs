//! `harness down`.

use clap::Args;
use harness::cluster::{Cluster, ClusterSummary, clusters};
use harness::docker::{Engine, Selection, removal};
use harness::progress::Progress;
use harness::{Error, Result};
use serde::Serialize;

use crate::output;
use crate::target::{self, Json, Name};

pub(crate) const EXAMPLES: &str = "\
Examples:
  harness down
  harness down --name lab
  harness down --all             every cluster that you booted with `up`
  harness down --all --foreign   those of other users and machines on this engine, too";

#[derive(Args)]
pub(crate) struct Down {
    #[command(flatten)]
    name: Name,
    /// Every cluster that you booted with `up`, or that HARNESS_KEEP kept, not only the named one.
    #[arg(long)]
    all: bool,
    /// Also what another user, or another machine, booted on this engine.
    #[arg(long)]
    foreign: bool,
    #[command(flatten)]
    json: Json,
}

/// What `down --json` says. The names of the fields stay as they are.
#[derive(Default, Serialize)]
struct Gone {
    /// The clusters that are gone, by name.
    removed: Vec<String>,
    /// Those that `--all` left to their owners.
    left: Vec<Left>,
}

/// A cluster that is somebody else's.
#[derive(Serialize)]
struct Left {
    /// The cluster.
    name: String,
    /// `user@host`; empty where the cluster does not say.
    owner: String,
}

/// Removes one cluster, or all that this person booted.
pub(crate) async fn run(args: Down) -> Result<()> {
    let engine = Engine::connect().await?;
    let found = clusters(&engine).await?;
    let mut gone = Gone::default();
    let names = if args.all {
        let (names, left) = all(found, args.foreign);
        gone.left = left;
        names
    } else {
        let name = args.name.name;
        match found.iter().find(|cluster| cluster.name == name) {
            Some(cluster) if !cluster.owner.me && !args.foreign => return Err(foreign(cluster)),
            Some(_) => {}
            // Of a broken cluster the network may be gone, and with it the place in the list.
            None if removal::list(&engine, &Selection::cluster(&name)).await?.is_empty() => {
                target::find(&engine, &name).await?;
            }
            None => {}
        }
        vec![name]
    };
    let mut failed = None;
    for name in names {
        let progress = Progress::start(&name);
        progress.detail("removing everything of it");
        let removed = Cluster::remove(&engine, &name).await;
        drop(progress);
        match removed {
            Ok(()) => {
                if !args.json.json {
                    output::line(format_args!("the cluster {name} is gone"))?;
                }
                gone.removed.push(name);
            }
            // The others go all the same.
            Err(error) if failed.is_none() => failed = Some(error),
            Err(error) => output::error(&error),
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    if args.json.json {
        return output::json(&gone);
    }
    for Left { name, owner } in &gone.left {
        let owner = if owner.is_empty() { "somebody else" } else { owner };
        output::note(format_args!(
            "left alone: {name}, of {owner}; `--foreign` removes it too"
        ));
    }
    if args.all && gone.removed.is_empty() && gone.left.is_empty() {
        output::note("no cluster was booted with `up` here");
    }
    Ok(())
}

/// What `--all` removes, by name, and what it leaves: never what a run removes by itself when it ends.
fn all(found: Vec<ClusterSummary>, foreign: bool) -> (Vec<String>, Vec<Left>) {
    let kept = found.into_iter().filter(|cluster| cluster.kept);
    let (mine, others): (Vec<_>, Vec<_>) = kept.partition(|cluster| foreign || cluster.owner.me);
    let left = others.into_iter().map(|cluster| Left {
        name: cluster.name,
        owner: cluster.owner.user,
    });
    (mine.into_iter().map(|cluster| cluster.name).collect(), left.collect())
}

fn foreign(cluster: &ClusterSummary) -> Error {
    let (name, owner) = (&cluster.name, &cluster.owner.user);
    let whose = match owner.as_str() {
        "" => "does not say whose it is".to_owned(),
        owner => format!("is that of {owner}"),
    };
    Error::usage(format!("the cluster {name} {whose}"))
        .expected(format!("one of {}", harness::owner::this_user()))
        .ran("harness ps")
        .hint(format!(
            "`harness down --foreign{}` removes it all the same",
            target::option(name)
        ))
}

#[cfg(test)]
mod tests {
    use harness::owner::{Life, Owner};

    use super::*;

    fn cluster(name: &str, kept: bool, me: bool) -> ClusterSummary {
        ClusterSummary {
            name: name.to_owned(),
            subnet: String::new(),
            scenario: String::new(),
            run: String::new(),
            owner: Owner {
                user: "somebody@somewhere".to_owned(),
                pid: None,
                life: Life::Kept,
                me,
            },
            created: 0,
            kept,
            nodes: Vec::new(),
            containers: Vec::new(),
        }
    }

    #[test]
    fn all_is_what_this_person_booted_and_others_only_when_told_so() {
        let found = vec![
            cluster("mine", true, true),
            cluster("theirs", true, false),
            cluster("of-a-run", false, true),
        ];
        let (names, left) = all(found.clone(), false);
        assert_eq!(names, ["mine"]);
        assert_eq!(left.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["theirs"]);
        let (names, left) = all(found, true);
        assert_eq!((names, left.len()), (vec!["mine".to_owned(), "theirs".to_owned()], 0));
    }
}
