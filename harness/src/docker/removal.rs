//! Removal by label: containers, then networks, then volumes, then temporary images; verified afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, RemoveVolumeOptionsBuilder,
};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Engine;
use crate::await_until::{Probe, Wait};
use crate::labels::{self, Labels};
use crate::{Result, deadlines};

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
        selection.0.push(labels::equals(labels::NODE, node));
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
    let (docker, filters) = (engine.docker(), selection.filters());
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let mut temporary = selection.clone();
    temporary.0.push(labels::LEASE.to_owned());
    let images = ListImagesOptionsBuilder::new().filters(&temporary.filters()).build();
    let (containers, networks, volumes, images) = tokio::try_join!(
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
        engine.request("list images", "docker images", docker.list_images(Some(images))),
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
    let images = images.into_iter().map(|image| (Object::Image(image.id), image.labels));
    Ok(containers.chain(networks).chain(volumes).chain(images).collect())
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

/// As [`remove`], for what a process left that was killed: the engine may still be creating what it asked for last,
/// so nothing must be there for a while.
pub async fn remove_leftovers(engine: &Engine, selection: &Selection) -> Removed {
    match list(engine, selection).await {
        // Its owner removed it: the ordinary end, which is to cost nothing.
        Ok(found) if found.is_empty() => Removed::default(),
        _ => remove_until(engine, selection, QUIET_LOOKS).await,
    }
}

async fn remove_until(engine: &Engine, selection: &Selection, looks: u32) -> Removed {
    let passes: Mutex<Passes> = Mutex::default();
    let gone = Wait::that("everything of ours is removed", deadlines::TEARDOWN)
        .stable_for(looks)
        .until(async || {
            let found = match list(engine, selection).await {
                Ok(found) if found.is_empty() => return Probe::Ready(()),
                Ok(found) => found,
                Err(error) => return Probe::NotYet(error.to_string()),
            };
            let outcomes = remove_once(engine, &found).await;
            passes.lock().expect("no holder of the lock panics").take(outcomes);
            Probe::NotYet(format!("{} objects were there at the last look", found.len()))
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
    fn take(&mut self, outcomes: Vec<(Object, Result<()>)>) {
        for (object, outcome) in outcomes {
            match outcome {
                Ok(()) => drop(self.removed.insert(object)),
                Err(error) => drop(self.failed.insert(object, error.explain())),
            }
        }
    }
}

/// One pass, kind by kind: a network goes only when its containers are gone, a volume likewise.
async fn remove_once(engine: &Engine, found: &[Object]) -> Vec<(Object, Result<()>)> {
    let mut outcomes = Vec::new();
    for rank in 0..4 {
        let same_kind = found.iter().filter(|object| {
            rank == match object {
                Object::Container(_) => 0,
                Object::Network(_) => 1,
                Object::Volume(_) => 2,
                Object::Image(_) => 3,
            }
        });
        let removals = same_kind.map(async |object| (object.clone(), remove_one(engine, object).await));
        outcomes.extend(join_all(removals).await);
    }
    outcomes
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
        Object::Network(name) => {
            engine
                .request(&what, format!("docker network rm {name}"), docker.remove_network(name))
                .await
        }
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
