//! The containers of a full stack, made again with the docker CLI: what they are is read from the engine, so that this
//! floor stays the same cluster whatever the components become.

use std::sync::Arc;
use std::time::Instant;

use bollard::models::{ContainerInspectResponse, Mount, MountType};
use futures_util::future::try_join_all;
use harness::await_until::{Probe, Wait};
use harness::client::zookeeper::ZooKeeperServer;
use harness::component::{holder, zookeeper};
use harness::docker::Engine;
use harness::docker::network::Subnet;
use harness::docker::removal::{self, Selection};
use harness::lease::Lease;
use harness::{Cluster, Error, Kind, Result, deadlines};
use tokio::process::Command;

use super::ready;
use crate::measure::seconds;

/// One container, as `docker create` is told to make it.
struct Part {
    node: String,
    component: String,
    /// What stands before the image.
    options: Vec<String>,
    /// Folders of the host, or none for a volume of its own; and where each is mounted, perhaps read only.
    volumes: Vec<(Option<String>, String)>,
    image: String,
    /// What stands after it.
    command: Vec<String>,
}

/// A cluster that was looked at, and can be made again.
pub(super) struct ByHand {
    engine: Engine,
    subnet: Subnet,
    parts: Vec<Part>,
    /// What a killed run leaves behind is removed as ours is.
    lease: Arc<Lease>,
}

impl ByHand {
    /// Reads what the containers of `cluster` are.
    pub(super) async fn of(cluster: &Cluster) -> Result<Self> {
        let engine = cluster.engine().clone();
        let mut parts = Vec::new();
        for node in cluster.nodes() {
            for component in [holder::NAME].into_iter().chain(cluster.components_on(node.name())) {
                let name = node.container(component);
                let inspected = engine.docker().inspect_container(&name, None);
                let ran = format!("docker inspect {name}");
                let inspected = engine.request("inspect a container", ran, inspected).await?;
                parts.push(part(
                    &node.name().to_string(),
                    component,
                    &node.address().to_string(),
                    inspected,
                )?);
            }
        }
        Ok(ByHand {
            subnet: cluster.subnet(),
            parts,
            lease: Lease::take(&engine, "bench", false).await?,
            engine,
        })
    }

    /// From nothing until everything serves, in seconds. The cluster that was looked at is gone by now.
    pub(super) async fn boot(&self) -> Result<f64> {
        let name = format!("floor-{}", &self.lease.id()[..8]);
        let booted = self.boot_as(&name).await;
        let removed = removal::remove(&self.engine, &Selection::lease(self.lease.id())).await;
        if let Some(leak) = removed.leaked.first() {
            return Err(Error::new(Kind::Cleanup, format!("not removed: {leak}")));
        }
        booted
    }

    async fn boot_as(&self, name: &str) -> Result<f64> {
        let began = Instant::now();
        let subnet = self.subnet.to_string();
        self.docker(&["network", "create", "--subnet", &subnet], &[name.to_owned()])
            .await?;
        let on_own_nodes = self.nodes().filter(|node| !self.has_zookeeper(node));
        let others: Vec<&str> = on_own_nodes.collect();
        let masters: Vec<&str> = self.nodes().filter(|node| self.has_zookeeper(node)).collect();
        let (_, ()) = tokio::try_join!(try_join_all(others.iter().map(|node| self.make(name, node))), async {
            try_join_all(masters.iter().map(|node| self.make(name, node))).await?;
            ensemble_serves(self.subnet).await
        })?;
        let rest = self
            .parts
            .iter()
            .filter(|part| ![holder::NAME, zookeeper::NAME].contains(&&*part.component));
        let rest: Vec<String> = rest.map(|part| part.name(name)).collect();
        try_join_all(
            rest.iter()
                .map(|part| self.docker(&["start"], std::slice::from_ref(part))),
        )
        .await?;
        ready::all(self.subnet).await?;
        Ok(seconds(began.elapsed()))
    }

    fn nodes(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .filter(|part| part.component == holder::NAME)
            .map(|part| &*part.node)
    }

    fn has_zookeeper(&self, node: &str) -> bool {
        self.parts
            .iter()
            .any(|part| part.node == node && part.component == zookeeper::NAME)
    }

    /// Everything of one node: its holder runs, and ZooKeeper.
    async fn make(&self, cluster: &str, node: &str) -> Result<()> {
        for part in self.parts.iter().filter(|part| part.node == node) {
            let runs = [holder::NAME, zookeeper::NAME].contains(&&*part.component);
            let mut arguments = part.place(cluster);
            for (number, (volume, target)) in part.volumes.iter().enumerate() {
                let source = volume
                    .clone()
                    .unwrap_or_else(|| format!("{}-{number}", part.name(cluster)));
                if volume.is_none() {
                    self.docker(&["volume", "create"], std::slice::from_ref(&source))
                        .await?;
                }
                arguments.push(format!("--volume={source}:{target}"));
            }
            arguments.extend(part.options.iter().cloned());
            arguments.push(part.image.clone());
            arguments.extend(part.command.iter().cloned());
            let verb: &[&str] = if runs { &["run", "--detach"] } else { &["create"] };
            self.docker(verb, &arguments).await?;
        }
        Ok(())
    }

    /// Runs `docker WORDS… --label… MORE…`.
    async fn docker(&self, words: &[&str], more: &[String]) -> Result<()> {
        let labels = self.lease.labels().iter();
        let labels = labels.map(|(name, value)| format!("--label={name}={value}"));
        // `start` makes nothing that a label could stand on.
        let labels = labels.filter(|_| words != ["start"]);
        let output = Command::new("docker")
            .args(words)
            .args(labels)
            .args(more)
            .kill_on_drop(true)
            .output();
        let output = output
            .await
            .map_err(|error| Error::internal("docker does not start").caused_by(error))?;
        if output.status.success() {
            return Ok(());
        }
        Err(
            Error::new(Kind::Environment, format!("docker {} failed", words.join(" ")))
                .ran(format!("docker {} {}", words.join(" "), more.join(" ")))
                .evidence(String::from_utf8_lossy(&output.stderr).trim()),
        )
    }
}

impl Part {
    fn name(&self, cluster: &str) -> String {
        format!("{cluster}-{}-{}", self.node, self.component)
    }

    /// Its name and where it stands in the network.
    fn place(&self, cluster: &str) -> Vec<String> {
        let mut options = vec![format!("--name={}", self.name(cluster))];
        if self.component == holder::NAME {
            options.push(format!("--network={cluster}"));
        } else {
            let holder = format!("{cluster}-{}-{}", self.node, holder::NAME);
            options.extend([
                format!("--network=container:{holder}"),
                format!("--pid=container:{holder}"),
            ]);
        }
        options
    }
}

fn part(node: &str, component: &str, address: &str, inspected: ContainerInspectResponse) -> Result<Part> {
    let missing = || Error::internal(format!("the engine does not say what {component} on {node} is"));
    let config = inspected.config.ok_or_else(missing)?;
    let host = inspected.host_config.ok_or_else(missing)?;
    let mut options = Vec::new();
    if component == holder::NAME {
        options.extend([
            format!("--hostname={node}"),
            format!("--ip={address}"),
            format!("--network-alias={node}"),
        ]);
    }
    let each = |option: &str, values: Option<Vec<String>>| {
        let values = values.unwrap_or_default().into_iter();
        values.map(|value| format!("--{option}={value}")).collect::<Vec<_>>()
    };
    options.extend(each("add-host", host.extra_hosts));
    options.extend(each("dns", host.dns));
    options.extend(each("dns-search", host.dns_search));
    options.extend(each("cap-add", host.cap_add));
    options.extend(each("env", config.env));
    options.extend(host.init.filter(|init| *init).map(|_| "--init".to_owned()));
    options.extend(host.cgroupns_mode.map(|mode| format!("--cgroupns={mode}")));
    let mut words = config.entrypoint.unwrap_or_default().into_iter();
    options.extend(words.next().map(|program| format!("--entrypoint={program}")));
    Ok(Part {
        node: node.to_owned(),
        component: component.to_owned(),
        options,
        volumes: host.mounts.into_iter().flatten().map(volume).collect(),
        image: config.image.ok_or_else(missing)?,
        command: words.chain(config.cmd.unwrap_or_default()).collect(),
    })
}

fn volume(mount: Mount) -> (Option<String>, String) {
    let own = mount.typ == Some(MountType::VOLUME);
    let mode = if mount.read_only == Some(true) { ":ro" } else { "" };
    let source = mount.source.filter(|_| !own);
    (source, format!("{}{mode}", mount.target.unwrap_or_default()))
}

async fn ensemble_serves(subnet: Subnet) -> Result<()> {
    let server = ZooKeeperServer::new(format!("{}:{}", ready::master(subnet), zookeeper::PORT));
    Wait::that("ZooKeeper serves", deadlines::ZOOKEEPER_READY)
        .look_at_most(deadlines::STARTING_LOOK)
        .until(async || match server.status().await {
            Ok(_) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}
