//! Removal by label: containers, then networks, then volumes, then temporary images; verified afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::{Engine, endpoint};
use crate::await_until::{Probe, Wait};
use crate::labels::{self, Labels};
use crate::{Kind, Result, deadlines};

/// So many looks in a row, over about two seconds, find nothing of a killed process.
const QUIET_LOOKS: u32 = 20;

/// Which objects of ours are meant. Every selection includes [`labels::HARNESS`]: there is no way to select another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<String>);

impl Selection {
    fn of(label: &str, value: &str) -> Self {
        assert!(!value.is_empty(), "a selection by {label} names a value");
        Selection(vec![labels::HARNESS.to_owned(), labels::equals(label, value)])
    }

    /// What one lease owns.
    #[must_use]
    pub fn lease(id: &str) -> Self {
        Selection::of(labels::LEASE, id)
    }

    /// What belongs to one cluster.
    #[must_use]
    pub fn cluster(name: &str) -> Self {
        Selection::of(labels::CLUSTER, name)
    }

    /// What belongs to one node of a cluster.
    #[must_use]
    pub fn node(cluster: &str, node: &str) -> Self {
        let mut selection = Selection::cluster(cluster);
        selection.0.extend(Selection::of(labels::NODE, node).0);
        selection
    }

    /// Everything on the engine that is ours.
    #[must_use]
    pub fn ours() -> Self {
        Selection(vec![labels::HARNESS.to_owned()])
    }

    /// The engine's filter argument.
    #[must_use]
    pub fn filters(&self) -> HashMap<&str, Vec<&str>> {
        HashMap::from([("label", self.0.iter().map(String::as_str).collect())])
    }
}

/// What was removed, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Names of containers, networks, volumes and images that are gone, as `container x`.
    pub removed: Vec<String>,
    /// What is still there, with the engine's reason. Never empty silently: callers report it.
    pub leaked: Vec<String>,
}

/// Everything that a selection finds, by name. Images are left out unless they carry a lease: content-addressed images
/// outlive runs.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine does not list.
pub async fn list(engine: &Engine, selection: &Selection) -> Result<Vec<Object>> {
    let found = labelled(engine, selection).await?;
    Ok(found.into_iter().map(|(object, _)| object).collect())
}

/// As [`list`], with what each object's labels say.
pub(crate) async fn labelled(engine: &Engine, selection: &Selection) -> Result<Vec<(Object, Labels)>> {
    let (mut found, images) = tokio::try_join!(but_images(engine, selection), images(engine, selection))?;
    found.extend(images);
    Ok(found)
}

/// The labels of the networks that a selection finds.
pub(crate) async fn networks(engine: &Engine, selection: &Selection) -> Result<Vec<Labels>> {
    let filters = selection.filters();
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = engine.docker().list_networks(Some(options));
    let networks = engine.request("list networks", "docker network ls", networks).await?;
    Ok(networks.into_iter().filter_map(|network| network.labels).collect())
}

async fn but_images(engine: &Engine, selection: &Selection) -> Result<Vec<(Object, Labels)>> {
    let (docker, filters) = (engine.docker(), selection.filters());
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let (containers, networks, volumes) = tokio::try_join!(
        engine.request(
            "list containers",
            "docker ps -a",
            docker.list_containers(Some(containers))
        ),
        engine.request(
            "list networks",
            "docker network ls",
            docker.list_networks(Some(networks))
        ),
        engine.request("list volumes", "docker volume ls", docker.list_volumes(Some(volumes))),
    )?;
    let containers = containers.into_iter().filter_map(|container| {
        let name = container.names.unwrap_or_default().pop();
        let name = name.map_or(container.id?, |name| name.trim_start_matches('/').to_owned());
        Some((Object::Container(name), container.labels.unwrap_or_default()))
    });
    let networks = networks
        .into_iter()
        .filter_map(|network| Some((Object::Network(network.name?), network.labels.unwrap_or_default())));
    let volumes = volumes.volumes.unwrap_or_default().into_iter();
    let volumes = volumes.map(|volume| (Object::Volume(volume.name), volume.labels));
    Ok(containers.chain(networks).chain(volumes).collect())
}

/// Those that carry a lease.
async fn images(engine: &Engine, selection: &Selection) -> Result<Vec<(Object, Labels)>> {
    let mut temporary = selection.clone();
    temporary.0.push(labels::LEASE.to_owned());
    let options = ListImagesOptionsBuilder::new().filters(&temporary.filters()).build();
    let images = engine.docker().list_images(Some(options));
    let images = engine.request("list images", "docker images", images).await?;
    Ok(images
        .into_iter()
        .map(|image| (Object::Image(image.id), image.labels))
        .collect())
}

/// One removable thing, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A container, running or not.
    Container(String),
    /// A network.
    Network(String),
    /// A named volume.
    Volume(String),
    /// A temporary image.
    Image(String),
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Container(name) => write!(f, "container {name}"),
            Object::Network(name) => write!(f, "network {name}"),
            Object::Volume(name) => write!(f, "volume {name}"),
            Object::Image(name) => write!(f, "image {name}"),
        }
    }
}

/// Removes everything that `selection` finds, and looks again until nothing is left.
pub async fn remove(engine: &Engine, selection: &Selection) -> Removed {
    remove_until(engine, selection, 1).await
}

/// As [`remove`], for what a process left that did not say that it removed all: the engine may still be creating what
/// was asked for last, even where nothing is there yet. So nothing must be there for a while.
pub async fn remove_leftovers(engine: &Engine, selection: &Selection) -> Removed {
    remove_until(engine, selection, QUIET_LOOKS).await
}

async fn remove_until(engine: &Engine, selection: &Selection, looks: u32) -> Removed {
    let passes: Mutex<Passes> = Mutex::default();
    let gone = Wait::that("everything of ours is removed", deadlines::TEARDOWN)
        .blaming(Kind::Cleanup)
        .stable_for(looks)
        .until(async || {
            let mut found = 0;
            // The second pass follows at once: mostly it finds that the first was complete.
            for _ in 0..2 {
                let images_too = passes
                    .lock()
                    .expect("no holder of the lock panics")
                    .look_for_images(looks);
                let outcomes = match remove_once(engine, selection, images_too).await {
                    Ok(outcomes) if outcomes.is_empty() => return Probe::Ready(()),
                    Ok(outcomes) => outcomes,
                    Err(error) => return Probe::NotYet(error.to_string()),
                };
                found = outcomes.len();
                passes.lock().expect("no holder of the lock panics").take(outcomes);
            }
            Probe::NotYet(format!("{found} objects were there at the last look"))
        })
        .await;
    let Passes { removed, failed } = passes.into_inner().expect("no holder of the lock panics");
    let mut leaked = Vec::new();
    if let Err(error) = gone {
        match list(engine, selection).await {
            Ok(left) => leaked.extend(left.iter().map(|object| {
                let why = failed
                    .get(object)
                    .map_or("it came back after it was removed", String::as_str);
                format!("{object}: {why}")
            })),
            Err(unknown) => leaked.push(format!("unknown: {error}; {unknown}")),
        }
    }
    Removed {
        removed: removed.iter().map(Object::to_string).collect(),
        leaked,
    }
}

/// What all passes of a removal did together.
#[derive(Default)]
struct Passes {
    removed: BTreeSet<Object>,
    failed: BTreeMap<Object, String>,
}

impl Passes {
    /// Images take an engine that has many long to list. Nothing creates them behind the back of an owner that lives:
    /// where a pass found none, later ones need not look.
    fn look_for_images(&self, looks: u32) -> bool {
        if looks > 1 {
            return true;
        }
        let mut found = self.removed.iter().chain(self.failed.keys()).peekable();
        found.peek().is_none() || found.any(|object| matches!(object, Object::Image(_)))
    }

    fn take(&mut self, outcomes: Vec<(Object, Result<()>)>) {
        for (object, outcome) in outcomes {
            match outcome {
                Ok(()) => drop(self.removed.insert(object)),
                Err(error) => drop(self.failed.insert(object, error.explain())),
            }
        }
    }
}

/// One pass: what it found, and how the removal of each went. Networks and volumes go only when their containers are
/// gone, and images last.
async fn remove_once(engine: &Engine, selection: &Selection, images_too: bool) -> Result<Vec<(Object, Result<()>)>> {
    let others = async {
        let found = but_images(engine, selection).await?;
        let (containers, others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .map(|(object, _)| object)
            .partition(|object| matches!(object, Object::Container(_)));
        let mut outcomes = remove_each(engine, containers).await;
        outcomes.extend(remove_each(engine, others).await);
        Ok(outcomes)
    };
    let images = async {
        match images_too {
            true => images(engine, selection).await,
            false => Ok(Vec::new()),
        }
    };
    // Not `try_join`: a list that failed must not break off a removal.
    let (others, images) = tokio::join!(others, images);
    let mut outcomes = others?;
    let images = images?.into_iter().map(|(object, _)| object).collect();
    outcomes.extend(remove_each(engine, images).await);
    Ok(outcomes)
}

async fn remove_each(engine: &Engine, objects: Vec<Object>) -> Vec<(Object, Result<()>)> {
    let removals = objects.into_iter().map(async |object| {
        let outcome = remove_one(engine, &object).await;
        (object, outcome)
    });
    join_all(removals).await
}

async fn remove_one(engine: &Engine, object: &Object) -> Result<()> {
    let docker = engine.docker();
    let what = format!("remove the {object}");
    let outcome = match object {
        Object::Container(name) => {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            let ran = format!("docker rm --force --volumes {name}");
            engine
                .request(&what, ran, docker.remove_container(name, Some(options)))
                .await
        }
        Object::Network(name) => remove_network(engine, &what, name).await,
        Object::Volume(name) => {
            let options = RemoveVolumeOptionsBuilder::new().force(true).build();
            let ran = format!("docker volume rm {name}");
            engine
                .request(&what, ran, docker.remove_volume(name, Some(options)))
                .await
        }
        Object::Image(name) => {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            let ran = format!("docker rmi --force {name}");
            engine
                .request(&what, ran, docker.remove_image(name, Some(options), None))
                .await
                .map(drop)
        }
    };
    match outcome {
        // Somebody else (the reaper, a person) was faster.
        Err(error) if super::engine::refusal(&error) == Some(404) => Ok(()),
        outcome => outcome,
    }
}

/// Refused for endpoints, it is tried once more without those that no container is behind.
async fn remove_network(engine: &Engine, what: &str, name: &str) -> Result<()> {
    let ran = format!("docker network rm {name}");
    let remove = async || engine.request(what, &ran, engine.docker().remove_network(name)).await;
    match remove().await {
        Err(error) if super::engine::refusal(&error) == Some(403) => {
            endpoint::release_abandoned(engine, name)
                .await
                .map_err(|why| error.caused_by(why))?;
            remove().await
        }
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "a selection by org.mesos-harness.lease names a value")]
    fn no_lease_selects_nothing_and_not_everything() {
        drop(Selection::lease(""));
    }

    #[test]
    #[should_panic(expected = "a selection by org.mesos-harness.node names a value")]
    fn no_node_selects_nothing_and_not_its_cluster() {
        drop(Selection::node("lab", ""));
    }
}
