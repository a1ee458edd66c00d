//! The certifier: proves that a package does on a cluster what its files promise, before it is released.
//!
//! A [`Certifier`] takes one package, checks its files ([`package::Check`](crate::package::Check)), and where these have no
//! error installs it on a fresh cluster with the client of 2016, watches it serve, breaks it, removes it, and installs it
//! again ([`LiveCheck`]). All of it is a [`Certificate`]: JSON for programs, a page for people. The cluster is gone when
//! the certificate is there.
//!
//! ```no_run
//! # async fn example() -> harness::Result<()> {
//! use harness::certify::{Certifier, Verdict};
//!
//! let certificate = Certifier::of("helloworld").run().await?;
//! assert_eq!(certificate.verdict, Verdict::Certified, "{}", certificate.summary);
//! # Ok(())
//! # }
//! ```
//!
//! What it means that a service survives and leaves nothing is what the client and the cluster show of it, see
//! `harness/DESIGN.md`, "The certifier".

mod certificate;
mod checks;
pub(crate) mod each;
mod html;
mod left;
mod names;
mod page;
mod serve;
mod stage;
mod subject;
mod survive;
mod traces;
mod upgrade;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::Context;
use crate::package::artefacts::Index;
use crate::package::lint::Lint;
use crate::report::Outcome;
use crate::stack::{Stack, user_file};
use crate::{Cluster, Error, Kind, Result};

pub use certificate::{AnyCheck, Certificate, Judged, RunRecord, SCHEMA, SubjectRecord, Verdict};
pub use checks::LiveCheck;
pub use each::PACKAGES;
pub use html::html;

use stage::{Seen, Stage, unjudged};
use subject::{Release, Subject};
use traces::Traces;

/// What `harness ps` says that such a cluster is for.
const ASIDE: &str = "certify";

/// How a package is certified. Built up, then [`Certifier::run`].
#[derive(Clone, Debug)]
pub struct Certifier {
    named: String,
    package: Option<String>,
    revision: Option<u32>,
    options: Value,
    stack: Option<PathBuf>,
    artefacts: Option<PathBuf>,
    first_failure: bool,
    back: Option<Duration>,
    in_scenario: bool,
}

impl Certifier {
    /// Of a package by its path (its folder, a revision, a source or an archive), or by its name among those of this
    /// checkout.
    #[must_use]
    pub fn of(path_or_name: impl Into<String>) -> Self {
        Certifier {
            named: path_or_name.into(),
            package: None,
            revision: None,
            options: json!({}),
            stack: None,
            artefacts: None,
            first_failure: false,
            back: None,
            in_scenario: false,
        }
    }

    /// Which package, of a path that has several.
    #[must_use]
    pub fn package(mut self, name: Option<String>) -> Self {
        self.package = name;
        self
    }

    /// Another revision than the latest.
    #[must_use]
    pub fn revision(mut self, revision: Option<u32>) -> Self {
        self.revision = revision;
        self
    }

    /// Options to install with, over the package's defaults.
    #[must_use]
    pub fn options(mut self, options: Value) -> Self {
        self.options = options;
        self
    }

    /// A stack file over the default one.
    #[must_use]
    pub fn stack_file(mut self, stack: Option<PathBuf>) -> Self {
        self.stack = stack;
        self
    }

    /// The artefact index, in place of the one that lies nearest above the package, or of this checkout's.
    #[must_use]
    pub fn artefacts(mut self, index: Option<PathBuf>) -> Self {
        self.artefacts = index;
        self
    }

    /// Makes no check after the first that fails on the cluster.
    #[must_use]
    pub fn until_first_failure(mut self) -> Self {
        self.first_failure = true;
        self
    }

    /// How long the service may take to be back after a task, its scheduler or an agent was lost, in place of
    /// [`COMES_BACK`](crate::deadlines::COMES_BACK); its tasks have their grace period besides.
    #[must_use]
    pub fn back_within(mut self, limit: Option<Duration>) -> Self {
        self.back = limit;
        self
    }

    /// As a part of the scenario that runs now: its cluster's components and logs are the scenario's evidence.
    #[must_use]
    pub fn in_scenario(mut self) -> Self {
        self.in_scenario = true;
        self
    }

    /// Says what is wrong with what was asked for, before anything is made or an engine is needed.
    ///
    /// # Errors
    /// As [`Certifier::run`], but for the machine.
    pub fn check(&self) -> Result<()> {
        let subject = Subject::open(&self.named, self.package.as_deref(), self.revision)?;
        match &self.artefacts {
            Some(file) => Index::read(file).map(drop),
            None => subject.artefacts().map(drop),
        }?;
        // What is wrong with the package, its certificate says.
        match subject.release(subject.revision()?, &self.options) {
            Err(error) if error.kind() == Kind::Usage => return Err(error),
            _ => {}
        }
        Stack::load(self.stack.as_deref()).map(drop)
    }

    /// Certifies it.
    ///
    /// # Errors
    /// [`Kind::Usage`] for no such package, for options that it does not take, and for a wrong stack file or index;
    /// [`Kind::Package`] for an archive that is none; [`Kind::Environment`], [`Kind::Image`] and [`Kind::Cleanup`] where
    /// the machine is at fault. Whatever is the package's fault stands in the certificate.
    pub async fn run(&self) -> Result<Certificate> {
        let (began, started) = (Instant::now(), now());
        let subject = Subject::open(&self.named, self.package.as_deref(), self.revision)?;
        let artefacts = match &self.artefacts {
            Some(file) => Index::read(file)?,
            None => subject.artefacts()?,
        };
        let lint = Lint {
            artefacts: artefacts.clone(),
            offline: true,
        };
        let findings = subject.lint(&lint);
        let mut checks = certificate::judge_findings(&findings);
        let (mut live, mut components) = (Vec::new(), Vec::new());
        if checks.iter().all(|judged| judged.outcome != Outcome::Failed) {
            let release = subject.release(subject.revision()?, &self.options)?;
            let cluster = self.cluster(&subject, &artefacts, &release).await?;
            components = cluster.components().await?;
            live = Box::pin(self.on(cluster, &subject, &release)).await?;
        }
        for check in LiveCheck::ALL {
            if !live.iter().any(|judged| judged.check == AnyCheck::Live(*check)) {
                let mut judged = unjudged(*check);
                judged.reason = Some("a check before it failed".to_owned());
                live.push(judged);
            }
        }
        live.sort_by_key(|judged| judged.check);
        checks.extend(live);
        let verdict = certificate::verdict(&checks);
        Ok(Certificate {
            schema: SCHEMA,
            verdict,
            summary: certificate::summary(verdict, &checks),
            subject: subject.record(),
            options: self.options.clone(),
            run: RunRecord {
                started,
                ended: now(),
                seconds: began.elapsed().as_secs_f64(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                command: self.command(),
                stack: Stack::load(self.stack.as_deref())?.name,
            },
            components,
            checks,
            findings,
        })
    }

    /// Two agents like the README's first, so that one can be lost; everything that a client needs.
    async fn cluster(&self, subject: &Subject, artefacts: &Index, release: &Release) -> Result<Cluster> {
        let mut builder = Cluster::builder()
            .slaves(2)
            .marathon()
            .mesos_dns()
            .admin_router()
            .universe_of(subject.universe(artefacts)?);
        if user_file(self.stack.as_deref()).is_none() {
            let first = Stack::load(None)?.agent_on("mesos-slave1").resources.to_string();
            builder = builder.resources(2, &first)?;
        }
        if let Some(app) = release
            .rendered
            .app
            .as_ref()
            .filter(|app| app["container"]["type"] == "DOCKER")
        {
            let megabytes = app["mem"].as_f64().unwrap_or_default() * f64::from(release.instances());
            builder = builder.docker().beside(megabytes as u64);
        }
        if let Some(stack) = &self.stack {
            builder = builder.stack_file(stack);
        }
        if !self.in_scenario {
            builder = builder.aside(ASIDE);
        }
        builder.boot().await
    }

    /// Makes the checks, and removes the cluster.
    async fn on(&self, cluster: Cluster, subject: &Subject, release: &Release) -> Result<Vec<Judged>> {
        let mut stage = Stage::set(cluster, subject, self).await?;
        let done = live(&mut stage, release).await;
        let Stage { cluster, judged, .. } = stage;
        // The machine's fault is told first: what cannot be removed then is its consequence, and the lease's to do.
        done?;
        cluster.down().await?;
        Ok(judged)
    }

    fn command(&self) -> String {
        let mut words = vec!["harness certify".to_owned(), self.named.clone()];
        words.extend(self.package.iter().map(|name| format!("--package {name}")));
        words.extend(self.revision.map(|revision| format!("--revision {revision}")));
        if self.options.as_object().is_some_and(|options| !options.is_empty()) {
            words.push("--options options.json".to_owned());
        }
        words.extend(self.back.map(|limit| format!("--back-within {}", limit.as_secs())));
        words.extend(self.stack.iter().map(|stack| format!("--stack {}", stack.display())));
        words.extend(
            self.artefacts
                .iter()
                .map(|index| format!("--artefacts {}", index.display())),
        );
        words.join(" ")
    }
}

/// Every check on the cluster, in order. It ends early where what follows would be the same failure again.
async fn live(stage: &mut Stage<'_>, release: &Release) -> Result<()> {
    let before = Traces::before(&stage.cluster).await?;
    if !installs(stage, release).await? {
        return Ok(());
    }
    serves(stage, release).await?;
    if stage.is_over() || !survives(stage, release).await? {
        return Ok(());
    }
    let began = Instant::now();
    let uninstalled = stage.uninstall().await.map(|output| Seen::that(output.ran));
    if !stage.judge(LiveCheck::UninstallRuns, began, uninstalled).await? {
        return Ok(());
    }
    let began = Instant::now();
    let mut clean = true;
    for (check, left) in left::left(&stage.cluster, &before, &release.stays()).await? {
        clean &= stage.judge(check, began, left.map(Seen::that)).await?;
    }
    if !clean {
        return Ok(());
    }
    let began = Instant::now();
    let again = again(stage, release).await.map(Seen::Held);
    if !stage.judge(LiveCheck::InstallAgain, began, again).await? {
        return Ok(());
    }
    stage.upgrades(release, &before).await
}

async fn installs(stage: &mut Stage<'_>, release: &Release) -> Result<bool> {
    let began = Instant::now();
    let installed = async {
        let update = stage.dcos(&["package", "update"]).await?;
        let install = stage.install(release).await?;
        Ok(Seen::Held(vec![update.stdout, install.stdout]))
    };
    let installed = installed.await;
    if !stage.judge(LiveCheck::InstallRuns, began, installed).await? {
        return Ok(false);
    }
    let began = Instant::now();
    let same = stage.is_as_rendered(release).await;
    let same = stage.judge(LiveCheck::InstallApp, began, same).await?;
    if !same && stage.is_over() {
        return Ok(false);
    }
    let began = Instant::now();
    let healthy = match release.app_id() {
        Some(_) => stage.healthy(release).await.map(Seen::Held),
        None => Ok(Seen::NotApplicable("it has no app".to_owned())),
    };
    stage.judge(LiveCheck::InstallHealthy, began, healthy).await
}

/// Each of these can fail by itself.
async fn serves(stage: &mut Stage<'_>, release: &Release) -> Result<()> {
    let began = Instant::now();
    let seen = stage.has_framework(release).await;
    stage.judge(LiveCheck::ServeFramework, began, seen).await?;
    if stage.is_over() {
        return Ok(());
    }
    let began = Instant::now();
    let seen = stage.has_page(release).await;
    stage.judge(LiveCheck::ServePage, began, seen).await?;
    if stage.is_over() {
        return Ok(());
    }
    let began = Instant::now();
    let seen = stage.has_names(release).await;
    stage.judge(LiveCheck::ServeName, began, seen).await?;
    if stage.is_over() {
        return Ok(());
    }
    let began = Instant::now();
    let seen = stage.has_commands(release).await;
    stage.judge(LiveCheck::ServeCommand, began, seen).await.map(drop)
}

/// A service that does not come back from one of them is not asked to outlive the next.
async fn survives(stage: &mut Stage<'_>, release: &Release) -> Result<bool> {
    let began = Instant::now();
    let seen = stage.outlives_a_task(release).await;
    if !stage.judge(LiveCheck::SurviveTask, began, seen).await? {
        return Ok(false);
    }
    let began = Instant::now();
    let seen = stage.outlives_its_scheduler(release).await;
    if !stage.judge(LiveCheck::SurviveScheduler, began, seen).await? {
        return Ok(false);
    }
    let began = Instant::now();
    let seen = stage.outlives_its_agent(release).await;
    stage.judge(LiveCheck::SurviveAgent, began, seen).await
}

/// Installs it once more, and removes it.
async fn again(stage: &mut Stage<'_>, release: &Release) -> Result<Vec<String>> {
    stage.gone(release).await?;
    let mut seen = vec![stage.install(release).await?.stdout];
    seen.extend(stage.healthy(release).await?);
    if let Some(name) = release.framework() {
        stage.framework_id(&name).await?;
    }
    stage.uninstall().await?;
    stage.gone(release).await?;
    Ok(seen)
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes `certificate.json` and `certificate.html` into `folder`.
///
/// # Errors
/// [`Kind::Environment`] where they cannot be written.
pub fn write(certificate: &Certificate, folder: &Path) -> Result<()> {
    let failed = || format!("the certificate cannot be written to {}", folder.display());
    std::fs::create_dir_all(folder).context(Kind::Environment, failed)?;
    let mut text = serde_json::to_string_pretty(certificate)
        .map_err(|error| Error::internal("the certificate does not serialise").caused_by(error))?;
    text.push('\n');
    std::fs::write(folder.join("certificate.json"), text).context(Kind::Environment, failed)?;
    std::fs::write(folder.join("certificate.html"), html(certificate)?).context(Kind::Environment, failed)
}
