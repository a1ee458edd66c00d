//! `harness doctor`: every prerequisite on this machine, each with a verdict and its remedy, and what the engine and
//! the kernel can do.
//!
//! Nothing is installed or changed. What only a container can tell is asked of a short-lived, labelled one, and only
//! where an image of ours is there already.

mod capabilities;
mod container;
mod engine;
mod host;
mod kernel;

use serde::{Deserialize, Serialize};

use crate::await_until::Wait;
use crate::docker::Engine;
use crate::error::Context;
use crate::{Kind, Result, deadlines, lease};

pub use capabilities::{Ability, Answer, Capabilities, EngineFacts, HostFacts, ability_names};

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Clusters boot, but not everything works or fits.
    Warn,
    /// No cluster boots, or no test runs, before this is remedied.
    Missing,
    /// Could not be asked; `found` says why.
    NotProbed,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Missing => "missing",
            Verdict::NotProbed => "not probed",
        })
    }
}

/// One prerequisite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// As in `docker engine`.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What is there, in a few words.
    pub found: String,
    /// What to do about it; `None` where nothing needs doing.
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Check::new(name, Verdict::Ok, found, None)
    }

    fn warn(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check::new(name, Verdict::Warn, found, Some(remedy.into()))
    }

    fn missing(name: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Check::new(name, Verdict::Missing, found, Some(remedy.into()))
    }

    fn not_probed(name: &'static str, why: impl Into<String>) -> Self {
        Check::new(name, Verdict::NotProbed, why, None)
    }

    fn new(name: &'static str, verdict: Verdict, found: impl Into<String>, remedy: Option<String>) -> Self {
        Check {
            name: name.to_owned(),
            verdict,
            found: found.into(),
            remedy,
        }
    }
}

/// Everything that was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Diagnosis {
    /// True where nothing is missing.
    pub usable: bool,
    /// In the order in which a person would set a machine up.
    pub checks: Vec<Check>,
    /// What engine and kernel can do.
    pub capabilities: Capabilities,
}

/// Looks at everything. Problems are findings here, not errors.
pub async fn examine() -> Diagnosis {
    let mut checks = host::tools().await;
    let (engine, engine_check) = match Engine::connect().await {
        Ok(engine) => (Some(engine), None),
        Err(error) => (None, Some(engine::absent(&error))),
    };
    checks.extend(engine_check);
    let capabilities = capabilities::probe(engine.as_ref()).await;
    if let Some(engine) = &engine {
        checks.extend(engine::checks(engine, &capabilities).await);
    }
    checks.extend(kernel::checks(&capabilities));
    checks.extend(host::resources(&capabilities));
    checks.extend(host::surroundings());
    Diagnosis {
        usable: checks.iter().all(|check| check.verdict != Verdict::Missing),
        checks,
        capabilities,
    }
}

/// What `harness doctor` says on a machine that has none of the prerequisites: nothing is on the search path, no engine
/// is in sight, and the environment is empty.
///
/// # Errors
/// [`Kind::Environment`] where the program does not run, [`Kind::Internal`] where what it says is no [`Diagnosis`].
pub async fn examine_bare() -> Result<Diagnosis> {
    let home = tempfile::tempdir().context(Kind::Environment, || "a temporary folder cannot be made".to_owned())?;
    let home = home.path();
    let (program, socket) = (lease::program()?, format!("unix://{}/docker.sock", home.display()));
    let ran = format!(
        "env -i PATH={0} HOME={0} DOCKER_HOST={socket} {1} doctor --json",
        home.display(),
        program.display()
    );
    let mut command = tokio::process::Command::new(program);
    command.args(["doctor", "--json"]).env_clear();
    command
        .env("PATH", home)
        .env("HOME", home)
        .env("DOCKER_HOST", socket)
        .kill_on_drop(true);
    let output = Wait::that("harness doctor ends", deadlines::EXEC)
        .blaming(Kind::Environment)
        .for_future(async {
            command
                .output()
                .await
                .context(Kind::Environment, || format!("cannot run `{ran}`"))
        })
        .await?;
    serde_json::from_slice(&output.stdout).context(Kind::Internal, || format!("`{ran}` says no diagnosis"))
}

/// What engine and kernel can do, for the conformance report: the part of [`examine`] that features depend on.
pub async fn capabilities(engine: &Engine) -> Capabilities {
    capabilities::probe(Some(engine)).await
}
