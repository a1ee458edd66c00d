//! Kafka, as the package `kafka` brings it: a scheduler on Marathon that runs brokers as tasks.
//!
//! Commands go through the real dcos CLI and its sub-command `dcos kafka`, as a person types them. What the brokers are
//! is read from the scheduler's own API (mesos/kafka 0.9.2.0 `HttpServer.scala`).

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::await_until::{Probe, Wait};
use crate::client::http::Http;
use crate::client::marathon::App;
use crate::deadlines::{BROKER_STATE, Deadline, FRAMEWORK_REGISTERED};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::image::Images;
use crate::provenance::{ComponentRecord, Provenance};
use crate::toolbox::Toolbox;
use crate::{Cluster, Error, Kind, Result};

/// The package, and the id of its app.
pub const PACKAGE: &str = "kafka";
/// What one broker takes, in megabytes, beyond what [`Topology::megabytes`](crate::cluster::Topology::megabytes) counts.
pub const BROKER_MEGABYTES: u64 = 512;
/// The versions of the package and of the brokers that it starts; the first is the one that an install takes.
pub const VERSIONS: [(&str, &str); 2] = [("0.9.2.0", "0.8.2.2"), ("0.9.2.0-3.9.2", "3.9.2")];
/// The release of the scheduler that ours has the interface of.
const SCHEDULER_VERSION: &str = "0.9.2.0";
/// Where the options of an install lie in the toolbox.
const OPTIONS: &str = "/tmp/kafka-options.json";
/// A start or stop that waits gives up after a minute by itself, and says so; a restart after two, and several brokers are
/// waited for one after the other.
const COMMAND: Deadline = Deadline::custom("KAFKA_COMMAND", Duration::from_secs(270));

/// Kafka on one cluster.
#[derive(Clone, Debug)]
pub struct Kafka<'c> {
    cluster: &'c Cluster,
    tools: Toolbox,
}

/// A broker, as the scheduler knows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Broker {
    /// A number.
    pub id: String,
    /// Whether it is to run.
    pub active: bool,
    /// The task that runs it.
    pub task: Option<BrokerTask>,
    /// Where it ran last.
    #[serde(default)]
    pub stickiness: Stickiness,
}

/// The task of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerTask {
    /// The task's id in Mesos.
    pub id: String,
    /// The agent's id.
    pub slave_id: String,
    /// The agent's host.
    pub hostname: String,
    /// `host:port` for clients, once it runs.
    pub endpoint: Option<String>,
    /// `starting`, `running`, `reconciling` or `stopping`.
    pub state: String,
}

/// Where a broker is to be started again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Stickiness {
    /// The host that it ran on last.
    pub hostname: Option<String>,
}

impl Broker {
    /// `host:port` for clients, while it runs.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        let task = self.task.as_ref().filter(|task| task.state == "running")?;
        task.endpoint.as_deref()
    }
}

#[derive(Deserialize)]
struct Brokers {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Kafka on this cluster, whether it is installed or not.
    ///
    /// # Errors
    /// As [`Cluster::toolbox`].
    pub async fn kafka(&self) -> Result<Kafka<'_>> {
        Ok(Kafka {
            cluster: self,
            tools: self.toolbox().await?,
        })
    }
}

impl Kafka<'_> {
    /// Downloads the descriptions of packages, installs a version of this one as `--yes` does, and waits until its
    /// scheduler runs and is healthy.
    ///
    /// # Errors
    /// As the client ends; [`Kind::Deadline`] after [`APP_STATE`](crate::deadlines::APP_STATE).
    pub async fn install(&self, version: &str, options: &Value) -> Result<App> {
        self.tools.dcos(&["package", "update"]).await?.success()?;
        let write = ExecSpec::new(["sh", "-c", &format!("cat >{OPTIONS}")]).stdin(options.to_string());
        self.tools.run(write).await?.success()?;
        let (version, options) = (format!("--package-version={version}"), format!("--options={OPTIONS}"));
        let install = ["package", "install", "--yes", &version, &options, PACKAGE];
        self.tools.dcos(&install).await?.success()?;
        self.await_scheduler().await
    }

    /// Waits until the scheduler's task runs and passes its health checks, and Mesos has its framework.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`APP_STATE`](crate::deadlines::APP_STATE), or [`FRAMEWORK_REGISTERED`] more.
    pub async fn await_scheduler(&self) -> Result<App> {
        let healthy = |app: &App| app.tasks_running == 1 && app.tasks_healthy == 1;
        let (marathon, mesos) = (self.cluster.marathon(), self.cluster.mesos());
        let app = marathon
            .await_app(&format!("/{PACKAGE}"), "Kafka's scheduler is healthy", healthy)
            .await?;
        Wait::that("Kafka's scheduler is registered with Mesos", FRAMEWORK_REGISTERED)
            .until(async || match mesos.state().await {
                Ok(state) => {
                    let mut frameworks = state.typed.frameworks.iter();
                    match frameworks.any(|framework| framework.name == PACKAGE && framework.active) {
                        true => Probe::Ready(()),
                        false => Probe::NotYet("no framework of that name is active".to_owned()),
                    }
                }
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await?;
        Ok(app)
    }

    /// Runs `dcos kafka` with these arguments.
    ///
    /// # Errors
    /// As [`Toolbox::run`].
    pub async fn command(&self, args: &[&str]) -> Result<ExecOutput> {
        let words = ["dcos", PACKAGE].into_iter().chain(args.iter().copied());
        self.tools.run(ExecSpec::new(words).within(COMMAND)).await
    }

    /// Has brokers started or stopped, and does not wait for them: the command would give up after a minute.
    ///
    /// # Errors
    /// As the command ends.
    pub async fn set_off(&self, verb: &str, brokers: &str) -> Result<()> {
        let run = self.command(&["broker", verb, brokers, "--timeout", "0s"]).await?;
        run.success().map(drop)
    }

    /// Stops a broker, and waits until it has ended.
    ///
    /// # Errors
    /// As the command ends; [`Kind::Deadline`] after [`BROKER_STATE`].
    pub async fn stop(&self, id: &str) -> Result<()> {
        self.set_off("stop", id).await?;
        let ended = |broker: &Broker| broker.task.is_none();
        self.await_broker(id, &format!("broker {id} has ended"), ended).await?;
        Ok(())
    }

    /// Adds a broker with these options of `broker add`, starts it, and gives its endpoint.
    ///
    /// # Errors
    /// As the commands end; [`Kind::Deadline`] after [`BROKER_STATE`].
    pub async fn start(&self, id: &str, options: &[&str]) -> Result<String> {
        let add = ["broker", "add", id].into_iter().chain(options.iter().copied());
        self.command(&add.collect::<Vec<_>>()).await?.success()?;
        self.set_off("start", id).await?;
        self.await_endpoint(id).await
    }

    /// Waits until a broker runs, and gives its endpoint.
    ///
    /// # Errors
    /// As [`Kafka::await_broker`].
    pub async fn await_endpoint(&self, id: &str) -> Result<String> {
        let running = |broker: &Broker| broker.endpoint().is_some();
        let broker = self.await_broker(id, &format!("broker {id} runs"), running).await?;
        Ok(broker.endpoint().unwrap_or_default().to_owned())
    }

    /// Waits until a broker is as `holds` wants it: `what` is a sentence such as "broker 0 is on another agent".
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`BROKER_STATE`], with the broker as it was last.
    pub async fn await_broker(&self, id: &str, what: &str, holds: impl Fn(&Broker) -> bool) -> Result<Broker> {
        Wait::that(what.to_owned(), BROKER_STATE)
            .until(async || match self.broker(id).await {
                Ok(broker) if holds(&broker) => Probe::Ready(broker),
                Ok(broker) => Probe::NotYet(format!("{broker:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// One broker.
    ///
    /// # Errors
    /// [`Kind::Answer`] where the scheduler has none of that id; as [`Kafka::brokers`].
    pub async fn broker(&self, id: &str) -> Result<Broker> {
        let brokers = self.brokers().await?;
        let found = brokers.into_iter().find(|broker| broker.id == id);
        found.ok_or_else(|| Error::new(Kind::Answer, format!("the scheduler has no broker {id}")))
    }

    /// Every broker that was added.
    ///
    /// # Errors
    /// [`Kind::Answer`] where no scheduler runs, or it does not answer as it should.
    pub async fn brokers(&self) -> Result<Vec<Broker>> {
        let answer = self.api().await?.get("api/broker/list").send().await?.ok()?;
        Ok(answer.json::<Brokers>()?.brokers)
    }

    /// The scheduler's own API, where its task runs now.
    ///
    /// # Errors
    /// [`Kind::Answer`] where no scheduler runs.
    pub async fn api(&self) -> Result<Http> {
        let app = self.cluster.marathon().app(&format!("/{PACKAGE}")).await?;
        let running = |task: &&crate::client::marathon::Task| task.state.as_deref() == Some("TASK_RUNNING");
        let task = app.tasks.iter().find(running);
        let port = task.and_then(|task| Some((&task.host, task.ports.first()?)));
        let (host, port) = port.ok_or_else(|| Error::new(Kind::Answer, "Kafka's scheduler does not run"))?;
        Http::new(&format!("{host}:{port}"))
    }
}

/// What librdkafka has to be told for a broker of `version`: one before 0.10 drops who asks it for the versions that it
/// speaks, so the client must not ask, and must be told what it may use.
#[must_use]
pub fn client_settings(version: &str) -> Vec<(&'static str, String)> {
    if version.starts_with("0.8") || version.starts_with("0.9") {
        let fallback = ("broker.version.fallback", version.to_owned());
        return vec![("api.version.request", "false".to_owned()), fallback];
    }
    Vec::new()
}

/// What Kafka is, of what the image `universe` of a Universe serves, for reports.
pub(crate) fn records(images: &Images, universe: &str) -> Result<Vec<ComponentRecord>> {
    let mut records = Vec::new();
    for (_, version) in VERSIONS {
        let scala = if version.starts_with("0.8") { "2.10" } else { "2.13" };
        let jar = images.artefact(&format!("kafka_{scala}-{version}"))?;
        records.push(ComponentRecord {
            name: format!("kafka-broker-{version}"),
            version: version.to_owned(),
            provenance: Provenance::Upstream,
            artefact: format!(
                "{} and the libraries beside it; ours: what starts and configures it",
                jar.file
            ),
            sha256: jar.sha256.clone(),
            image: universe.to_owned(),
        });
    }
    records.push(ComponentRecord {
        name: "kafka-mesos".to_owned(),
        version: SCHEDULER_VERSION.to_owned(),
        provenance: Provenance::StandIn,
        artefact: "written here, with the interface of mesos/kafka: scheduler, executor, command line, `dcos kafka`"
            .to_owned(),
        sha256: String::new(),
        image: universe.to_owned(),
    });
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_has_an_endpoint_while_it_runs() {
        let broker = |state: &str| -> Broker {
            let text = format!(
                "{{\"id\" : \"0\", \"active\" : true, \"cpus\" : 1.0, \"stickiness\" : {{\"period\" : \"10m\"}}, \"task\" : \
                 {{\"id\" : \"a\", \"slaveId\" : \"b\", \"executorId\" : \"c\", \"hostname\" : \"h\", \"endpoint\" : \
                 \"h:31000\", \"attributes\" : {{}}, \"state\" : \"{state}\"}}}}"
            );
            serde_json::from_str(&text).expect("it is a broker")
        };
        assert_eq!(broker("running").endpoint(), Some("h:31000"));
        assert_eq!(broker("reconciling").endpoint(), None);
    }

    #[test]
    fn only_old_brokers_need_settings() {
        assert_eq!(client_settings("3.9.2"), []);
        assert_eq!(client_settings("0.8.2.2")[1].1, "0.8.2.2");
    }
}
