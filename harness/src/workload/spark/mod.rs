//! Spark on Mesos: its package, its dispatcher, and the drivers that are submitted to it.
//!
//! After Spark 1.6.0, `docs/running-on-mesos.md` (cluster mode) and `org.apache.spark.deploy.rest`.

mod dispatcher;
mod fault;
mod messages;
pub(crate) mod release;
mod starvation;

use crate::await_until::{Probe, Wait};
use crate::client::marathon::Task;
use crate::client::mesos::TaskState;
use crate::client::mesos::agent::Sandbox;
use crate::client::mesos::state::{FrameworkState, MasterState, TaskEntry};
use crate::client::{Http, TaskId};
use crate::deadlines::{SPARK_DISPATCHER, SPARK_DRIVER};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::image::Images;
use crate::package::artefacts::PackagedImage;
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Cluster, Error, Kind, Result};

pub use dispatcher::Dispatcher;
pub use messages::{Created, DriverState, Killed, Status, Submission};
pub use release::{REFUSED_CORES, Release};
pub use starvation::STARVING;

/// The folder of its image under `fixtures/images/`.
pub(crate) const FOLDER: &str = "spark";
/// The version of Spark in it.
const VERSION: &str = "1.6.0";
/// The package's name, and that of its app, its framework and its sub-command.
pub const NAME: &str = "spark";
/// What the dispatcher and drivers run in, as the package names it.
pub const IMAGE: &str = "mesosphere/spark:1.6.0";
/// The jar of examples, where every slave has it.
pub const EXAMPLES: &str = "file:/tmp/mesos/spark-examples-1.6.0-hadoop2.6.0.jar";
/// Where drivers serve their page; the next port where it is taken.
pub const DRIVER_PAGE_PORT: u16 = 4040;
/// What a dispatcher, a driver and an executor take, in megabytes: for
/// [`ClusterBuilder::beside`](crate::cluster::ClusterBuilder::beside).
pub const MEGABYTES: u64 = 900;

/// The dispatcher, drivers and executors are Spark's own; what they reach Mesos by is not.
pub(super) fn records(images: &Images, image: &PackagedImage) -> Result<Vec<ComponentRecord>> {
    let core = images.artefact(&format!("spark-core_2.10-{VERSION}"))?;
    let reference = images.reference(&image.spec())?;
    let spark = ComponentRecord {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        provenance: Provenance::Upstream,
        artefact: format!(
            "{} and what it depends on; ours: the launch scripts, the package",
            core.file
        ),
        sha256: core.sha256.clone(),
        image: reference.clone(),
    };
    Ok(vec![spark, library(reference)])
}

/// What every Spark here reaches Mesos by, in the image `reference`.
fn library(reference: String) -> ComponentRecord {
    ComponentRecord {
        name: "libmesos-jni".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: Provenance::StandIn,
        artefact: "the natives of org.apache.mesos, built here".to_owned(),
        sha256: String::new(),
        image: reference,
    }
}

/// π, where the output of SparkPi has it.
#[must_use]
pub fn pi(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.strip_prefix("Pi is roughly "));
    line?.trim().parse().ok()
}

/// Spark on one cluster.
#[derive(Clone, Copy, Debug)]
pub struct Spark<'c> {
    cluster: &'c Cluster,
}

impl Cluster {
    /// Spark on this cluster, which is there once its package is installed.
    #[must_use]
    pub fn spark(&self) -> Spark<'_> {
        Spark { cluster: self }
    }
}

impl Spark<'_> {
    /// Installs the package as a person does who has said yes, and waits until the dispatcher takes submissions.
    ///
    /// # Errors
    /// [`Kind::Answer`] where the client ends otherwise than with 0; those of [`Spark::dispatcher`].
    pub async fn install(&self) -> Result<Dispatcher> {
        self.install_with(&[]).await
    }

    /// As [`Spark::install`], of another version than the README's.
    ///
    /// # Errors
    /// As [`Spark::install`].
    pub async fn install_release(&self, release: &Release) -> Result<Dispatcher> {
        self.install_with(&[&release.option()]).await
    }

    /// As [`Spark::install_release`], without the sub-command.
    ///
    /// # Errors
    /// As [`Spark::install`].
    pub async fn install_release_app(&self, release: &Release) -> Result<Dispatcher> {
        self.install_with(&["--app", &release.option()]).await
    }

    /// As [`Spark::install`], without the sub-command, which takes as long to install as all the rest.
    ///
    /// # Errors
    /// As [`Spark::install`].
    pub async fn install_app(&self) -> Result<Dispatcher> {
        self.install_with(&["--app"]).await
    }

    async fn install_with(&self, options: &[&str]) -> Result<Dispatcher> {
        let tools = self.cluster.toolbox().await?;
        tools.dcos(&["package", "update"]).await?.success()?;
        let install = ["package", "install", "--yes"].iter().chain(options).chain(&[NAME]);
        tools.dcos(&install.copied().collect::<Vec<_>>()).await?.success()?;
        self.dispatcher().await
    }

    /// The dispatcher's REST API, once it answers.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`SPARK_DISPATCHER`].
    pub async fn dispatcher(&self) -> Result<Dispatcher> {
        Wait::that("the dispatcher takes submissions", SPARK_DISPATCHER)
            .until(async || {
                let found = async {
                    let dispatcher = Dispatcher::new(&address(&self.task().await?, 0)?)?;
                    dispatcher.status("none").await?;
                    Ok::<_, Error>(dispatcher)
                };
                match found.await {
                    Ok(dispatcher) => Probe::Ready(dispatcher),
                    Err(error) => Probe::NotYet(error.to_string()),
                }
            })
            .await
    }

    /// The dispatcher's web page, at its own port.
    ///
    /// # Errors
    /// [`Kind::Answer`] where the dispatcher does not run.
    pub async fn page(&self) -> Result<Http> {
        Http::new(&address(&self.task().await?, 1)?)
    }

    /// The dispatcher, as Marathon has it.
    ///
    /// # Errors
    /// [`Kind::Answer`] where the package is not installed or its app has no task.
    pub async fn task(&self) -> Result<Task> {
        let app = self.cluster.marathon().app(NAME).await?;
        let task = app.tasks.into_iter().find(|task| task.ports.len() == 2);
        task.ok_or_else(|| Error::new(Kind::Answer, "the app of the dispatcher has no task"))
    }

    /// Runs `dcos spark` with these arguments.
    ///
    /// # Errors
    /// As [`exec::exec`](crate::docker::exec::exec).
    pub async fn command(&self, args: &[&str]) -> Result<ExecOutput> {
        let words = ["dcos", NAME].into_iter().chain(args.iter().copied());
        self.cluster.toolbox().await?.run(ExecSpec::new(words)).await
    }

    /// Waits until a task with this id is known to Mesos, of whatever framework, running or not.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`SPARK_DRIVER`].
    pub async fn driver(&self, id: &str) -> Result<TaskEntry> {
        self.awaited(&format!("the driver {id} is a task"), |state| {
            all(state).find(|task| task.id.as_str() == id).cloned()
        })
        .await
    }

    /// Waits until a framework of this name is registered, and active.
    ///
    /// # Errors
    /// As [`Spark::driver`].
    pub async fn framework(&self, name: &str) -> Result<FrameworkState> {
        self.awaited(&format!("the framework {name} is registered"), |state| {
            let mut frameworks = state.frameworks.iter();
            frameworks.find(|one| one.name == name && one.active).cloned()
        })
        .await
    }

    /// Waits until the framework of this name has launched an executor.
    ///
    /// # Errors
    /// As [`Spark::driver`].
    pub async fn executor(&self, framework: &str) -> Result<TaskEntry> {
        self.awaited(&format!("{framework} has an executor"), |state| {
            let mut of_framework = frameworks(state).filter(|one| one.name == framework);
            of_framework.find_map(|one| one.tasks.iter().chain(&one.completed_tasks).next().cloned())
        })
        .await
    }

    /// Waits until the framework of this name has launched an executor that is not this one.
    ///
    /// # Errors
    /// As [`Spark::driver`].
    pub async fn executor_but(&self, framework: &str, but: &TaskId) -> Result<TaskEntry> {
        self.awaited(&format!("{framework} has an executor that is not {but}"), |state| {
            let mut of_framework = state.frameworks.iter().filter(|one| one.name == framework);
            of_framework.find_map(|one| one.tasks.iter().find(|task| task.id != *but).cloned())
        })
        .await
    }

    /// Waits until another framework of this name has an executor that runs while `executor` does.
    ///
    /// # Errors
    /// As [`Spark::driver`].
    pub async fn executor_beside(&self, framework: &str, executor: &TaskEntry) -> Result<TaskEntry> {
        self.awaited(
            &format!("another {framework} has an executor beside {}", executor.id),
            |state| {
                let of_name = state.frameworks.iter().filter(|one| one.name == framework);
                let running = of_name.flat_map(|one| &one.tasks);
                let running: Vec<_> = running.filter(|task| task.state == TaskState::TaskRunning).collect();
                let (own, others): (Vec<_>, Vec<_>) = running
                    .into_iter()
                    .partition(|task| task.framework_id == executor.framework_id);
                let runs = own.iter().any(|task| task.id == executor.id);
                others.first().filter(|_| runs).map(|other| (*other).clone())
            },
        )
        .await
    }

    /// Waits until no task but the dispatcher runs.
    ///
    /// # Errors
    /// As [`Spark::driver`].
    pub async fn idle(&self) -> Result<()> {
        let dispatcher = self.task().await?.id;
        self.awaited("drivers and executors have ended", |state| {
            let mut running = state.frameworks.iter().flat_map(|one| &one.tasks);
            let ended = running.all(|task| task.id.as_str() == dispatcher || task.state.is_terminal());
            ended.then_some(())
        })
        .await
    }

    /// The sandbox of a driver, an executor or any other task.
    ///
    /// # Errors
    /// [`Kind::Answer`] where its agent is none of this cluster; as the agent's API else.
    pub async fn sandbox(&self, task: &TaskEntry) -> Result<Sandbox> {
        let node = self.node(task).await?;
        node.agent().sandbox(&task.framework_id, &task.id).await
    }

    async fn awaited<T>(&self, what: &str, find: impl Fn(&MasterState) -> Option<T>) -> Result<T> {
        Wait::that(what.to_owned(), SPARK_DRIVER)
            .until(async || match self.cluster.mesos().state().await {
                Ok(state) => match find(&state.typed) {
                    Some(found) => Probe::Ready(found),
                    None => Probe::NotYet(shown(&state.typed)),
                },
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}

fn frameworks(state: &MasterState) -> impl Iterator<Item = &FrameworkState> {
    state.frameworks.iter().chain(&state.completed_frameworks)
}

fn all(state: &MasterState) -> impl Iterator<Item = &TaskEntry> {
    frameworks(state).flat_map(|one| one.tasks.iter().chain(&one.completed_tasks))
}

fn shown(state: &MasterState) -> String {
    let tasks: Vec<String> = all(state)
        .map(|task| format!("{} ({:?})", task.id, task.state))
        .collect();
    let names: Vec<&str> = state.frameworks.iter().map(|one| one.name.as_str()).collect();
    format!("frameworks: {}; tasks: {}", names.join(", "), tasks.join(", "))
}

/// `http://host:port` of the nth port of a task.
fn address(task: &Task, port: usize) -> Result<String> {
    let number = task.ports.get(port);
    let number =
        number.ok_or_else(|| Error::new(Kind::Answer, format!("{} has {} ports", task.id, task.ports.len())))?;
    Ok(format!("http://{}:{number}", task.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pi_is_read_as_a_number() {
        assert_eq!(pi("Starting\nPi is roughly 3.14088\n"), Some(3.14088));
        assert_eq!(pi("Pi is roughly "), None);
        assert_eq!(pi("about 3"), None);
    }

    #[test]
    fn the_image_that_the_package_names_is_made_here() {
        let index = crate::package::artefacts::Index::ours().expect("it is right");
        assert!(index.image(IMAGE).is_some());
    }
}
