//! Images without an image registry: content-addressed, built here, offline once built.
//!
//! An image is a folder of `fixtures/images/`: a `Dockerfile`, the files it copies, and an `image.toml`. Its tag is a
//! hash of everything it is made from, so an image that is present is the right one, and one look at the engine is all
//! that a warm start costs. What is absent is built, its bases first, by one process at a time.
//!
//! The `Dockerfile` starts with `ARG BASE` and `FROM ${BASE}`; the context holds the folder's files, the artefacts as
//! `artefacts/<file>` and the services as `bin/<service>`. The classic builder makes it (engine API 1.41).

mod archive;
mod artefact;
mod base;
mod build;
mod build_log;
pub mod cache;
mod catalogue;
mod certificates;
mod containers;
mod context;
pub(crate) mod digest;
mod export;
mod fetch;
mod inventory;
mod lock;
mod manifest;
mod packages;
mod process;
mod pull;
mod services;
mod sources;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

pub use archive::{Loaded, Saved};
pub use artefact::{Artefact, Client, LOCK_FILE};
use catalogue::{Catalogue, Resolved};
use certificates::Certificates;
pub use inventory::{Listed, Pruned, State, Verified};
pub use packages::DebianPackage;

use crate::docker::{Engine, room};
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, workspace};

/// An image folder and its arguments, as in `mesos` with `MESOS_VERSION=1.11.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ImageSpec {
    /// The folder under `fixtures/images/`.
    pub name: String,
    /// Arguments that `image.toml` declares; those not given have its defaults.
    pub args: BTreeMap<String, String>,
    /// A user's own folder with a `Dockerfile`: what is meant is the image built from it over the one that `name` and
    /// `args` describe.
    pub over: Option<PathBuf>,
}

impl ImageSpec {
    /// The image `name` with its default arguments.
    pub fn new(name: impl Into<String>) -> Self {
        ImageSpec {
            name: name.into(),
            args: BTreeMap::new(),
            over: None,
        }
    }

    /// One argument.
    #[must_use]
    pub fn arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.args.insert(name.into(), value.into());
        self
    }

    /// The image of the `Dockerfile` in `folder`, which gets this image as its build argument `BASE`. Every file of the
    /// folder counts, and is sent.
    #[must_use]
    pub fn with_over(mut self, folder: impl Into<PathBuf>) -> Self {
        self.over = Some(folder.into());
        self
    }
}

impl fmt::Display for ImageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.args
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name}={value}"))?;
        match &self.over {
            Some(folder) => write!(f, " with {} over it", folder.display()),
            None => Ok(()),
        }
    }
}

/// The images of `fixtures/` on one engine.
#[derive(Debug)]
pub struct Images {
    engine: Engine,
    catalogue: Catalogue,
    cache: PathBuf,
    failed: Mutex<BTreeMap<String, String>>,
}

impl Images {
    /// Reads [the fixtures](workspace::fixtures).
    ///
    /// # Errors
    /// [`Kind::Usage`] with the file and key where a description or the artefact lock is wrong.
    pub fn open(engine: Engine) -> Result<Self> {
        Images::at(engine, &workspace::fixtures(), &cache::root()?)
    }

    /// Reads another `fixtures` folder and keeps downloads under another `cache` folder.
    ///
    /// # Errors
    /// As [`Images::open`].
    pub fn at(engine: Engine, fixtures: &Path, cache: &Path) -> Result<Self> {
        // Without `..` in them, paths read better in messages. A folder that is absent is named as given.
        let fixtures = fixtures.canonicalize().unwrap_or_else(|_| fixtures.to_owned());
        Ok(Images {
            engine,
            catalogue: Catalogue::open(&fixtures, Certificates::of_host())?,
            cache: cache.to_owned(),
            failed: Mutex::default(),
        })
    }

    /// The reference that `spec` has with the present sources. Asks no engine.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a name or argument that does not exist.
    pub fn reference(&self, spec: &ImageSpec) -> Result<String> {
        Ok(self.catalogue.resolve(spec)?.reference())
    }

    /// Every image that a cluster may run, with its default arguments.
    #[must_use]
    pub fn known(&self) -> Vec<ImageSpec> {
        let run = self.catalogue.specs().filter(|(_, manifest)| !manifest.build_only);
        run.map(|(spec, _)| spec).collect()
    }

    /// The one-line description of an image.
    #[must_use]
    pub fn summary(&self, name: &str) -> Option<&str> {
        let mut specs = self.catalogue.specs();
        specs
            .find(|(spec, _)| spec.name == name)
            .map(|(_, manifest)| manifest.summary.as_str())
    }

    /// An artefact of the lock, for provenance.
    ///
    /// # Errors
    /// [`Kind::Usage`] with the names that exist.
    pub fn artefact(&self, name: &str) -> Result<&Artefact> {
        self.catalogue.artefacts.get(name)
    }

    /// The image's reference, once it is there: present, else built with its bases first. Other processes that want it
    /// wait for the one that builds.
    ///
    /// # Errors
    /// [`Kind::Image`] with the failing step and the end of its log.
    pub async fn ensure(&self, spec: &ImageSpec) -> Result<String> {
        let image = self.catalogue.resolve(spec)?;
        self.ensure_resolved(&image).await
    }

    /// All of `specs`, at the same time where they do not need each other.
    ///
    /// # Errors
    /// The first of those that fail, after the other builds have ended: a build that is broken off leaves things behind.
    pub async fn ensure_all(&self, specs: &[ImageSpec]) -> Result<Vec<String>> {
        let built = futures_util::future::join_all(specs.iter().map(|spec| self.ensure(spec))).await;
        built.into_iter().collect()
    }

    fn ensure_resolved<'a>(&'a self, image: &'a Resolved) -> BoxFuture<'a, Result<String>> {
        async move {
            let reference = image.reference();
            if self.present(image).await? {
                return Ok(reference);
            }
            let progress = Progress::start(&image.title());
            let lock = lock::take(&self.cache, &image.name, &progress, deadlines::IMAGE_LOCK).await?;
            if self.present(image).await? {
                return Ok(reference);
            }
            self.not_failed(&reference)?;
            let purpose = format!("to build the image {}", image.name);
            room::require(&self.engine, room::BUILD_MIB, &purpose).await?;
            let built = self.make(image, progress).await;
            if let Err(error) = &built {
                self.failed().insert(reference.clone(), error.to_string());
            }
            drop(lock);
            built.map(|()| reference)
        }
        .boxed()
    }

    /// Builds `image` after its base, its artefacts and its services, which are made at the same time. The lock is held.
    async fn make(&self, image: &Resolved, progress: Progress) -> Result<()> {
        let base = async {
            match &image.base {
                Some(base) => self.ensure_resolved(base).await.map(drop),
                None => Ok(()),
            }
        };
        let artefacts = self.fetch_all(&image.artefacts);
        let (base, artefacts, programs) = tokio::join!(base, artefacts, self.compile(image, &progress));
        base.and(artefacts)?;
        self.build(image, programs?, progress).await
    }

    /// Images that wait for the same base do not each try it again after it failed.
    fn not_failed(&self, reference: &str) -> Result<()> {
        match self.failed().get(reference) {
            Some(summary) => Err(Error::new(Kind::Image, summary.clone()).evidence("it failed a moment ago")),
            None => Ok(()),
        }
    }

    fn failed(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at the engine.
    async fn present(&self, image: &Resolved) -> Result<bool> {
        let found = self.inspect(&image.reference()).await?;
        let labels = found.and_then(|found| found.config?.labels);
        Ok(labels.is_some_and(|labels| image.is(&labels)))
    }
}
