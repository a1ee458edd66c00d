//! What a container is made of, and its creation.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigCgroupnsModeEnum, NetworkingConfig,
};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use super::Engine;
use super::mount::Mounted;
use super::upload::{Content, Upload};
use crate::labels::Labels;
use crate::{Error, Kind, Result, interrupt, lease};

/// Where a container stands in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address of its own on a cluster's network.
    Address {
        /// The network's name.
        network: String,
        /// Its address there.
        address: Ipv4Addr,
        /// `name:address` lines for its `/etc/hosts`, shared by all that join it.
        hosts: Vec<String>,
    },
    /// On a cluster's network, with whatever address the engine gives it.
    Member {
        /// The network's name.
        network: String,
        /// `name:address` lines for its `/etc/hosts`.
        hosts: Vec<String>,
    },
    /// Inside the network and PID namespaces of a holder container, named here.
    Joins(String),
    /// No network, no capability, a root file system that nobody writes: for what holds the engine's socket.
    Sealed,
}

/// What a container is made of. Built up, then [`ContainerSpec::create`].
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    name: String,
    image: String,
    labels: Labels,
    place: Option<Place>,
    env: Vec<String>,
    entrypoint: Option<Vec<String>>,
    command: Option<Vec<String>>,
    hostname: Option<String>,
    user: Option<String>,
    names: Option<(Vec<IpAddr>, String)>,
    mounts: Vec<Mounted>,
    capabilities: Vec<String>,
    groups: Vec<String>,
    upload: Upload,
    init: bool,
    host_cgroups: bool,
}

impl ContainerSpec {
    /// A container `name` of `image`, with our labels on it.
    #[must_use]
    pub fn new(name: impl Into<String>, image: impl Into<String>, labels: Labels) -> Self {
        ContainerSpec {
            name: name.into(),
            image: image.into(),
            labels,
            place: None,
            env: Vec::new(),
            entrypoint: None,
            command: None,
            hostname: None,
            user: None,
            names: None,
            mounts: Vec::new(),
            capabilities: Vec::new(),
            groups: Vec::new(),
            upload: Upload::default(),
            init: false,
            host_cgroups: false,
        }
    }

    /// Where it stands in the network; Docker's default network otherwise.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// One environment variable; a later one of the same name wins.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let prefix = format!("{name}=");
        self.env.retain(|pair| !pair.starts_with(&prefix));
        self.env.push(format!("{prefix}{}", value.as_ref()));
        self
    }

    /// Replaces the image's entrypoint.
    #[must_use]
    pub fn entrypoint(mut self, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.entrypoint = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// Replaces the image's command: arguments, where the image has an entrypoint.
    #[must_use]
    pub fn command(mut self, argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.command = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// Its hostname, where it joins no other container.
    #[must_use]
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Resolves names by `servers`, one after the other, and searches `domain` for names without a dot. On a network of
    /// ours the engine's own server stands before them, which knows the network's containers.
    #[must_use]
    pub fn name_servers(mut self, servers: Vec<IpAddr>, domain: &str) -> Self {
        self.names = Some((servers, domain.to_owned()));
        self
    }

    /// The user its process runs as, instead of the image's.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Mounts a volume (by name) or a directory of the engine's host (by path) at `target`.
    #[must_use]
    pub fn mount(self, source: &str, target: &str) -> Self {
        self.mounted(source, target, false)
    }

    /// As [`ContainerSpec::mount`], to be read only.
    #[must_use]
    pub fn mount_read_only(self, source: &str, target: &str) -> Self {
        self.mounted(source, target, true)
    }

    fn mounted(mut self, source: &str, target: &str, read_only: bool) -> Self {
        self.mounts.push(Mounted {
            source: source.to_owned(),
            target: target.to_owned(),
            read_only,
        });
        self
    }

    /// Adds a Linux capability, as in `NET_ADMIN`.
    #[must_use]
    pub fn capability(mut self, capability: &str) -> Self {
        self.capabilities.push(capability.to_owned());
        self
    }

    /// Its processes are in this group of the image too.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }

    /// Puts a file of `content` at the absolute path `path` before the container starts.
    #[must_use]
    pub fn file(mut self, path: impl Into<String>, content: impl Into<Content>) -> Self {
        self.upload.file(path.into(), content.into());
        self
    }

    /// Puts a symbolic link to `target` at the absolute path `path` before the container starts.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>, target: impl Into<String>) -> Self {
        self.upload.link(path.into(), target.into());
        self
    }

    /// Runs the engine's init as PID 1, which reaps what its processes leave behind.
    #[must_use]
    pub fn init(mut self) -> Self {
        self.init = true;
        self
    }

    /// Sees the host's cgroups, writable, so that it can move its tasks into its holder's.
    #[must_use]
    pub fn host_cgroups(mut self) -> Self {
        self.host_cgroups = true;
        self.mount("/sys/fs/cgroup", "/sys/fs/cgroup")
    }

    /// The name it will have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of an environment variable that [`ContainerSpec::env`] was told.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let pairs = self.env.iter().filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    }

    /// Its entrypoint and its command, as far as they replace the image's.
    #[must_use]
    pub fn arguments(&self) -> Vec<&str> {
        let words = self.entrypoint.iter().chain(&self.command).flatten();
        words.map(String::as_str).collect()
    }

    fn body(&self) -> ContainerCreateBody {
        let mut host = HostConfig {
            mounts: Some(self.mounts.iter().map(|mounted| mounted.with(&self.labels)).collect()),
            cap_add: Some(self.capabilities.clone()),
            group_add: Some(self.groups.clone()),
            init: Some(self.init),
            ..HostConfig::default()
        };
        if self.host_cgroups {
            host.cgroupns_mode = Some(HostConfigCgroupnsModeEnum::HOST);
        }
        if let Some((servers, domain)) = &self.names {
            host.dns = Some(servers.iter().map(IpAddr::to_string).collect());
            host.dns_search = Some(vec![domain.clone()]);
            // Else the engine has the resolver ask for a name without a dot as it is first, and passes that on.
            host.dns_options = Some(vec!["ndots:1".to_owned()]);
        }
        let mut networking = None;
        match &self.place {
            Some(Place::Address {
                network,
                address,
                hosts,
            }) => {
                host.network_mode = Some(network.clone());
                host.extra_hosts = Some(hosts.clone());
                let endpoint = EndpointSettings {
                    aliases: self.hostname.clone().map(|name| vec![name]),
                    ipam_config: Some(EndpointIpamConfig {
                        ipv4_address: Some(address.to_string()),
                        ..EndpointIpamConfig::default()
                    }),
                    ..EndpointSettings::default()
                };
                let endpoints = HashMap::from([(network.clone(), endpoint)]);
                networking = Some(NetworkingConfig {
                    endpoints_config: Some(endpoints),
                });
            }
            Some(Place::Member { network, hosts }) => {
                host.network_mode = Some(network.clone());
                host.extra_hosts = Some(hosts.clone());
            }
            Some(Place::Joins(holder)) => {
                host.network_mode = Some(format!("container:{holder}"));
                host.pid_mode = Some(format!("container:{holder}"));
            }
            Some(Place::Sealed) => {
                host.network_mode = Some("none".to_owned());
                host.readonly_rootfs = Some(true);
                host.cap_drop = Some(vec!["ALL".to_owned()]);
                host.security_opt = Some(vec!["no-new-privileges".to_owned()]);
            }
            None => {}
        }
        ContainerCreateBody {
            image: Some(self.image.clone()),
            labels: Some(self.labels.clone()),
            env: Some(self.env.clone()),
            entrypoint: self.entrypoint.clone(),
            cmd: self.command.clone(),
            hostname: self.hostname.clone(),
            user: self.user.clone(),
            host_config: Some(host),
            networking_config: networking,
            ..ContainerCreateBody::default()
        }
    }

    /// The `docker` command line that makes the same container: for messages.
    #[must_use]
    pub fn command_line(&self) -> String {
        let mut words = vec![format!("docker create --name {}", self.name)];
        match &self.place {
            Some(Place::Address { network, address, .. }) => words.push(format!("--network {network} --ip {address}")),
            Some(Place::Member { network, .. }) => words.push(format!("--network {network}")),
            Some(Place::Joins(holder)) => words.push(format!("--network container:{holder} --pid container:{holder}")),
            Some(Place::Sealed) => words.push("--network none --read-only --cap-drop ALL".to_owned()),
            None => {}
        }
        if let Some((servers, domain)) = &self.names {
            words.extend(servers.iter().map(|server| format!("--dns {server}")));
            words.push(format!("--dns-search {domain} --dns-option ndots:1"));
        }
        words.extend(self.mounts.iter().map(|mounted| format!("--volume {mounted}")));
        words.extend(self.env.iter().map(|pair| format!("--env '{pair}'")));
        words.push(self.image.clone());
        words.extend(self.command.iter().flatten().cloned());
        words.join(" ")
    }

    /// A refusal that is about the image, as an error of the image.
    fn not_created(&self, error: Error) -> Error {
        let image = &self.image;
        let (summary, expected, hint) = match super::engine::refusal(&error) {
            Some(400) if self.entrypoint.is_none() && self.command.is_none() => (
                format!("the image {image} names no program to start"),
                "an image with an ENTRYPOINT or a CMD",
                "name the program in the stack file: cmd = [\"mesos-agent\"]".to_owned(),
            ),
            // A holder that is gone answers 404 too.
            Some(404) if !error.explain().to_lowercase().contains("no such container") => {
                return super::engine::incomplete(image, error).ran(self.command_line());
            }
            Some(500) if super::engine::lacks_layers(&error.explain()) => {
                return super::engine::incomplete(image, error).ran(self.command_line());
            }
            _ => return error,
        };
        let ran = self.command_line();
        let error = Error::new(Kind::Image, summary).caused_by(error);
        error.expected(expected).ran(ran).hint(hint)
    }

    /// Creates the container and puts its files in place. It is not started.
    ///
    /// # Errors
    /// [`Kind::Image`] where its image is gone or names no program; [`Kind::Environment`] where the engine refuses
    /// otherwise.
    pub async fn create(&self, engine: &Engine) -> Result<()> {
        let _creating = interrupt::creating().await;
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let create = engine.docker().create_container(Some(options), self.body());
        engine
            .request(
                &format!("create the container {}", self.name),
                self.command_line(),
                create,
            )
            .await
            .map_err(|error| self.not_created(error))?;
        lease::count(&self.labels);
        self.upload.put(engine, &self.name).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec::new("c1-mesos-slave1-mesos-agent", "mesos:1", Labels::new())
    }

    #[test]
    fn a_later_variable_wins() {
        let body = spec().env("A", "1").env("AB", "2").env("A", "3").body();
        assert_eq!(body.env, Some(vec!["AB=2".to_owned(), "A=3".to_owned()]));
    }

    #[test]
    fn joining_shares_network_and_processes() {
        let host = spec()
            .place(Place::Joins("holder".to_owned()))
            .body()
            .host_config
            .expect("a host part");
        assert_eq!(host.network_mode.as_deref(), Some("container:holder"));
        assert_eq!(host.pid_mode.as_deref(), Some("container:holder"));
        assert_eq!(host.privileged, None);
    }
}
