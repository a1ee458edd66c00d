//! What of ours the engine has: current, stale or missing; checking it, and removing what is stale.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use bollard::models::ImageSummary;
use serde::{Deserialize, Serialize};

use super::base::ROOT;
use super::catalogue::{REPOSITORY, Resolved};
use super::lock::ImageLock;
use super::{ImageSpec, Images, lock};
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, labels};

/// How an image on the engine relates to the sources of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Made from them.
    Current,
    /// Not there.
    Missing,
    /// Made from a user's own folder as it is now.
    Own,
    /// Made from others.
    Stale,
    /// A stage of the last build, which makes the next one faster.
    Cache,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            State::Current => "current",
            State::Missing => "missing",
            State::Own => "own",
            State::Stale => "stale",
            State::Cache => "cache",
        })
    }
}

/// What an image of a user's own folder was made from, besides that folder's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Over {
    folder: PathBuf,
    /// The image beneath it.
    name: String,
    args: BTreeMap<String, String>,
}

impl Over {
    pub(super) fn of(image: &Resolved) -> Option<Self> {
        let base = image.base.as_ref().filter(|_| image.manifest.own)?;
        Some(Over {
            folder: image.folder.clone(),
            name: base.name.clone(),
            args: base.args.clone(),
        })
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts are JSON")
    }
}

/// One image of ours, there or missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The folder under `fixtures/images/`, or a user's own.
    pub name: String,
    /// The arguments it was, or would be, built with.
    pub args: BTreeMap<String, String>,
    /// As in `mesos-harness/mesos:0123456789abcdef`; the id of one that has lost its name.
    pub reference: String,
    /// Bytes, with what it shares with its base.
    pub size: Option<u64>,
    /// Seconds since the epoch.
    pub created: Option<u64>,
    /// Against the sources of now.
    pub state: State,
}

/// What [`Images::verify`] found right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The cached files that are what the lock pins.
    pub artefacts: Vec<String>,
    /// Each image's reference, and how many Debian packages it records.
    pub images: Vec<(String, usize)>,
}

/// What [`Images::prune`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// References and ids.
    pub removed: Vec<String>,
    /// Stale, but a container or another image needs them.
    pub in_use: Vec<String>,
}

impl Images {
    /// Every image of ours on the engine, and every known one that is missing.
    ///
    /// # Errors
    /// [`Kind::Environment`] where the engine does not answer.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let filters = HashMap::from([("label", vec![labels::HARNESS])]);
        let mut found = Vec::new();
        for summary in self.summaries(&filters).await? {
            // What a lease owns goes with it: built on a node, say, over one of ours, whose labels it then has too.
            if !summary.labels.contains_key(labels::LEASE) {
                self.listed(&summary, &mut found);
            }
        }
        let there: BTreeSet<String> = found.iter().map(|image| image.reference.clone()).collect();
        // What only helps to build is made when it is needed: without it, nothing is missing.
        for spec in self.known() {
            let image = self.catalogue.resolve(&spec)?;
            if !there.contains(&image.reference()) {
                found.push(Listed {
                    reference: image.reference(),
                    name: image.name,
                    args: image.args,
                    size: None,
                    created: None,
                    state: State::Missing,
                });
            }
        }
        found.sort_by(|a, b| (&a.name, a.state, &a.reference).cmp(&(&b.name, b.state, &b.reference)));
        Ok(found)
    }

    /// One engine image under each name of ours that it has; without any name it is what a build left.
    fn listed(&self, summary: &ImageSummary, found: &mut Vec<Listed>) {
        let label = |name: &str| summary.labels.get(name).cloned().unwrap_or_default();
        let args: BTreeMap<String, String> = serde_json::from_str(&label(labels::ARGS)).unwrap_or_default();
        let prefix = format!("{REPOSITORY}/");
        let ours = summary.repo_tags.iter().filter(|tag| tag.starts_with(&prefix));
        let mut references: Vec<String> = ours.cloned().collect();
        let nameless = summary.repo_tags.iter().all(|tag| tag == "<none>:<none>");
        if references.is_empty() && nameless {
            references.push(summary.id.clone());
        }
        let name = label(if nameless { labels::STAGE } else { labels::IMAGE });
        let over: Option<Over> = serde_json::from_str(&label(labels::OVER)).ok();
        let spec = match &over {
            Some(over) => ImageSpec {
                name: over.name.clone(),
                args: over.args.clone(),
                over: Some(over.folder.clone()),
            },
            None => ImageSpec {
                name: name.clone(),
                args: args.clone(),
                over: None,
            },
        };
        // Of a user's own, the folder may be gone.
        let current = self.catalogue.resolve(&spec).ok();
        for reference in references {
            let is_current = |image: &Resolved| image.reference() == reference && image.is(&summary.labels);
            found.push(Listed {
                name: name.clone(),
                args: if nameless { BTreeMap::new() } else { args.clone() },
                size: u64::try_from(summary.size).ok(),
                created: u64::try_from(summary.created).ok(),
                state: match &current {
                    _ if nameless => State::Cache,
                    Some(image) if is_current(image) && over.is_some() => State::Own,
                    Some(image) if is_current(image) => State::Current,
                    _ => State::Stale,
                },
                reference,
            });
        }
    }

    /// Hashes every cached artefact, and looks into every image that a cluster may run.
    ///
    /// # Errors
    /// [`Kind::Image`] with all that is wrong.
    pub async fn verify(&self) -> Result<Verified> {
        let (mut right, mut wrong) = (Verified::default(), Vec::new());
        for artefact in self.catalogue.artefacts.iter() {
            let path = artefact.path(&self.cache);
            match path.exists().then(|| artefact.verify(&path)) {
                Some(Ok(())) => right.artefacts.push(artefact.file.clone()),
                Some(Err(error)) => wrong.push(error.explain()),
                None => {}
            }
        }
        for spec in self.known() {
            match self.verify_image(&spec).await {
                Ok(found) => right.images.push(found),
                Err(error) => wrong.push(error.explain()),
            }
        }
        if wrong.is_empty() {
            return Ok(right);
        }
        let summary = format!("{} of the images and artefacts are not right", wrong.len());
        let error = Error::new(Kind::Image, summary).hint("`harness images build` makes what is missing");
        Err(wrong.into_iter().fold(error, Error::evidence))
    }

    async fn verify_image(&self, spec: &ImageSpec) -> Result<(String, usize)> {
        let image = self.catalogue.resolve(spec)?;
        let reference = image.reference();
        let found = self.inspect(&reference).await?;
        let found = found.ok_or_else(|| Error::new(Kind::Image, format!("{reference} is missing")))?;
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        if !image.is(&labels) {
            let content = labels.get(labels::CONTENT).map_or("none", String::as_str);
            return Err(
                Error::new(Kind::Image, format!("{reference} is another image under that name"))
                    .expected(format!("the label {}={}", labels::CONTENT, image.content))
                    .evidence(format!("its label is {content}"))
                    .hint(format!("`docker image rm {reference}`")),
            );
        }
        let packages = self.debian_packages(&reference).await?.len();
        if packages == 0 {
            return Err(Error::new(
                Kind::Image,
                format!("{reference} records no Debian package"),
            ));
        }
        Ok((reference, packages))
    }

    /// Removes every image of ours that is stale or cache: of all `names`, or of any where there are none. Foreign
    /// images are never looked at: the label is what finds ours.
    ///
    /// # Errors
    /// [`Kind::Cleanup`] where the engine refuses for another reason than that an image is in use.
    pub async fn prune(&self, names: &[String]) -> Result<Pruned> {
        let progress = Progress::start("prune");
        let mut pruned = Pruned::default();
        let mut held: Option<(String, ImageLock)> = None;
        let listed = self.list().await?.into_iter();
        let old = |image: &Listed| matches!(image.state, State::Stale | State::Cache);
        let asked = |image: &Listed| names.is_empty() || names.contains(&image.name);
        for image in listed.filter(|image| old(image) && asked(image)) {
            // What looks stale may belong to a build under way: its lock is free when it is done.
            let name = image.name.trim_end_matches(ROOT).to_owned();
            if held.as_ref().is_none_or(|(of, _)| *of != name) && !name.is_empty() {
                drop(held.take());
                let lock = lock::take(&self.cache, &name, &progress, deadlines::IMAGE_LOCK).await?;
                held = Some((name, lock));
            }
            progress.detail(&format!("removing {}", image.reference));
            if self.remove(&image.reference).await? {
                pruned.removed.push(image.reference);
            } else {
                pruned.in_use.push(image.reference);
            }
        }
        Ok(pruned)
    }
}
