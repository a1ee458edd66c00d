//! The toolbox: the clients that the README's reader had on the host, in containers beside a cluster.
//!
//! The programs are those that their own projects published: the dcos CLI 0.3.6 (PyPI), kcat, curl and dig (Debian), and
//! ZooKeeper's own shell. A scenario runs them as [`Toolbox::run`]; a person by `harness tool`, or through the commands
//! that `harness env` puts on the PATH, with their own files at the same paths ([`Person`]).
//!
//! The dcos CLI is configured as `bin/env-setup` of the README's checkout did it, except that `core.mesos_master_url` stays
//! unset: so its calls pass the Admin Router, which knows the addresses that Mesos has dropped since.
//!
//! [`clients`] is a toolbox with more programs in it, for scenarios alone; [`FileServer`] and [`Prometheus`] are servers
//! beside a cluster. [`jvm_framework`] is a framework on an agent.

pub mod clients;
pub mod commands;
pub mod file_server;
pub mod jvm_framework;
mod person;
pub mod prometheus;

use crate::Result;
use crate::cluster::Cluster;
use crate::component::{Recipe, marathon, mesos_dns};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::docker::{ContainerSpec, Engine, Place, container, engine, exec, volume};
use crate::image::{ImageSpec, Images};
use crate::labels::{self, Labels};
use crate::provenance::{ComponentRecord, Provenance};

pub use file_server::{FileServer, tar_gz};
pub use person::Person;
pub use prometheus::Prometheus;

/// As it stands in the component label.
pub const NAME: &str = "toolbox";
/// Where the dcos CLI keeps what belongs to one cluster: its configuration and the sub-commands of packages.
const DCOS_HOME: &str = "/var/lib/dcos";
/// The dcos CLI's name in records, and its version.
const DCOS_CLI: (&str, &str) = ("dcos-cli", "0.3.6");

/// The image of the tools.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("toolbox")
}

/// Which programs a toolbox has.
#[derive(Clone, Debug)]
struct Kit {
    /// The last part of its container's name, and its component label.
    name: &'static str,
    image: ImageSpec,
}

impl Kit {
    /// What the README's reader had.
    fn readers() -> Self {
        Kit {
            name: NAME,
            image: image(),
        }
    }
}

/// The container of one person's tools, or of a scenario's, next to one cluster.
#[derive(Clone, Debug)]
pub struct Toolbox {
    engine: Engine,
    container: String,
    person: Person,
}

impl Toolbox {
    /// The name of the container that `person` has beside the cluster `cluster`, whether it is there or not.
    #[must_use]
    pub fn container_of(cluster: &str, person: &Person) -> String {
        Self::container_with(&Kit::readers(), cluster, person)
    }

    fn container_with(kit: &Kit, cluster: &str, person: &Person) -> String {
        match person.key() {
            Some(key) => format!("{cluster}-{}-{key}", kit.name),
            None => format!("{cluster}-{}", kit.name),
        }
    }

    /// The full name of its container.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }

    /// Runs a program of the toolbox in the home of its user.
    ///
    /// # Errors
    /// As [`exec::exec`].
    pub async fn run(&self, spec: ExecSpec) -> Result<ExecOutput> {
        exec::exec(&self.engine, &self.container, self.person.runs(spec)).await
    }

    /// Runs `dcos` with these arguments.
    ///
    /// # Errors
    /// As [`exec::exec`].
    pub async fn dcos(&self, args: &[&str]) -> Result<ExecOutput> {
        let words = std::iter::once("dcos").chain(args.iter().copied());
        self.run(ExecSpec::new(words)).await
    }
}

impl Cluster {
    /// A toolbox beside this cluster, for a scenario: nothing of the host is in it. It is made on the first call.
    ///
    /// # Errors
    /// As [`Cluster::toolbox_of`].
    pub async fn toolbox(&self) -> Result<Toolbox> {
        self.toolbox_of(&Person::nobody_in_particular()).await
    }

    /// The toolbox that `person` has beside this cluster. It is made on the first call, and goes with the cluster.
    ///
    /// # Errors
    /// [`Kind::Image`](crate::Kind::Image) or [`Kind::Environment`](crate::Kind::Environment) where it cannot be made.
    pub async fn toolbox_of(&self, person: &Person) -> Result<Toolbox> {
        self.toolbox_with(&Kit::readers(), person).await
    }

    async fn toolbox_with(&self, kit: &Kit, person: &Person) -> Result<Toolbox> {
        let name = Toolbox::container_with(kit, self.name(), person);
        let engine = self.engine();
        if !container::exists(engine, &name).await? {
            self.make(kit, &name, person).await?;
        }
        container::start(engine, &name).await?;
        Ok(Toolbox {
            engine: engine.clone(),
            container: name,
            person: person.clone(),
        })
    }

    async fn make(&self, kit: &Kit, name: &str, person: &Person) -> Result<()> {
        let own = self.labels();
        let recipe = self.recipe(&own);
        let image = recipe.images.ensure(&kit.image).await?;
        let labels = labels_of(&recipe, kit);
        let home = format!("{}-{}-{}", recipe.cluster, kit.name, person.uid());
        volume::create(self.engine(), &home, labels.clone()).await?;
        let place = Place::Member {
            network: recipe.cluster.to_owned(),
            hosts: self.hosts(),
        };
        let master = self.master().address();
        let mut tools = ContainerSpec::new(name, image, labels)
            .place(place)
            .hostname(kit.name)
            .init()
            .mount(&home, DCOS_HOME)
            .env("DCOS_HOME", DCOS_HOME)
            .env("DCOS_CONFIG", format!("{DCOS_HOME}/dcos.toml"))
            .env("DCOS_TOML", configuration(&master.to_string(), &self.served().sources))
            // pip and its like once in each cluster, and not in each sub-command's environment: half of an install's time.
            .env("VIRTUALENV_SYMLINK_APP_DATA", "1")
            .env("TOOLBOX_USER", person.line());
        let servers = self.name_servers();
        if !servers.is_empty() {
            tools = tools.name_servers(servers, mesos_dns::DOMAIN);
        }
        for folder in person.folders() {
            tools = tools.mount(folder, folder);
        }
        match tools.create(self.engine()).await {
            // Another process of the same person made it at the same moment.
            Err(error) if engine::refusal(&error) == Some(409) => Ok(()),
            created => created,
        }
    }
}

/// It is on no node.
fn labels_of(recipe: &Recipe<'_>, kit: &Kit) -> Labels {
    let mut labels = recipe.labels.clone();
    labels.insert(labels::CLUSTER.to_owned(), recipe.cluster.to_owned());
    labels.insert(labels::COMPONENT.to_owned(), kit.name.to_owned());
    labels
}

/// What `bin/env-setup` of the README's checkout set, for a master at `address` and packages of `sources`.
fn configuration(address: &str, sources: &[String]) -> String {
    let sources: Vec<String> = sources.iter().map(|source| format!("\"{source}\"")).collect();
    format!(
        "[core]\ndcos_url = \"http://{address}\"\nreporting = false\nemail = \"nobody@nowhere.com\"\n\n\
         [marathon]\nurl = \"http://{address}:{}\"\n\n\
         [package]\ncache = \"{DCOS_HOME}/cache\"\nsources = [{}]\n",
        marathon::PORT,
        sources.join(", ")
    )
}

/// What the dcos CLI of the toolbox is, for reports.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) where the lock of artefacts does not have it.
pub fn record(images: &Images) -> Result<ComponentRecord> {
    let (name, version) = DCOS_CLI;
    let wheel = images.artefact(&format!("dcoscli-{version}"))?;
    Ok(ComponentRecord {
        name: name.to_owned(),
        version: version.to_owned(),
        provenance: Provenance::Upstream,
        artefact: format!(
            "{}; ours: a sitecustomize for Python 3.11, and Debian's virtualenv in place of version 13",
            wheel.file
        ),
        sha256: wheel.sha256.clone(),
        image: images.reference(&image())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_to_mesos_pass_the_router() {
        let text = configuration("10.64.1.11", &["http://a.example/b.zip".to_owned()]);
        let table: toml::Table = text.parse().expect("it is TOML");
        assert_eq!(table["core"]["dcos_url"].as_str(), Some("http://10.64.1.11"));
        assert!(table["core"].get("mesos_master_url").is_none(), "{text}");
        assert_eq!(table["core"]["reporting"].as_bool(), Some(false));
        assert_eq!(table["package"]["sources"][0].as_str(), Some("http://a.example/b.zip"));
    }
}
