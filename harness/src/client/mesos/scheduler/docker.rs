//! The Docker container of a task.

use serde_json::{Value, json};

/// A container of Docker's that a task runs in, on agents that have the Docker containerizer
/// ([`ClusterBuilder::docker`](crate::cluster::ClusterBuilder::docker)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct DockerSpec {
    image: String,
    network: &'static str,
    ports: Vec<u16>,
    parameters: Vec<(String, String)>,
    volumes: Vec<Value>,
    privileged: bool,
    force_pull: bool,
}

impl DockerSpec {
    /// From that image, in its node's network.
    pub fn image(image: impl Into<String>) -> Self {
        DockerSpec {
            image: image.into(),
            network: "HOST",
            ports: Vec::new(),
            parameters: Vec::new(),
            volumes: Vec::new(),
            privileged: false,
            force_pull: false,
        }
    }

    /// In a network of the node's Docker.
    pub fn bridge(mut self) -> Self {
        self.network = "BRIDGE";
        self
    }

    /// Without any network.
    pub fn no_network(mut self) -> Self {
        self.network = "NONE";
        self
    }

    /// The next of the task's ports leads to this one of the container.
    pub fn port(mut self, container_port: u16) -> Self {
        self.ports.push(container_port);
        self
    }

    /// One more option of `docker run`, without its dashes.
    pub fn parameter(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((key.into(), value.into()));
        self
    }

    /// A folder of the node, writable; a relative one is in the sandbox.
    pub fn volume(mut self, host: &str, container: &str) -> Self {
        self.volumes
            .push(json!({"host_path": host, "container_path": container, "mode": "RW"}));
        self
    }

    /// The same, to be read only.
    pub fn volume_read_only(mut self, host: &str, container: &str) -> Self {
        self.volumes
            .push(json!({"host_path": host, "container_path": container, "mode": "RO"}));
        self
    }

    /// With every privilege.
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// Pulls the image although it is there.
    pub fn force_pull(mut self) -> Self {
        self.force_pull = true;
        self
    }

    /// The v1 `ContainerInfo` (Mesos `include/mesos/v1/mesos.proto`) of a task that has these ports.
    pub(super) fn to_v1(&self, ports: &[u16]) -> Value {
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(key, value)| json!({"key": key, "value": value}));
        let mappings = ports.iter().zip(&self.ports);
        let mappings = mappings.map(|(host, inside)| json!({"host_port": host, "container_port": inside}));
        json!({
            "type": "DOCKER",
            "volumes": self.volumes,
            "docker": {
                "image": self.image,
                "network": self.network,
                "port_mappings": mappings.collect::<Vec<_>>(),
                "parameters": parameters.collect::<Vec<_>>(),
                "privileged": self.privileged,
                "force_pull_image": self.force_pull,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lead_inside_in_their_order() {
        let spec = DockerSpec::image("debian").bridge().port(80).port(81);
        let docker = &spec.to_v1(&[31_000, 31_001, 31_002])["docker"];
        assert_eq!(
            docker["port_mappings"],
            json!([{"host_port": 31_000, "container_port": 80}, {"host_port": 31_001, "container_port": 81}])
        );
        assert_eq!(
            (&docker["network"], &docker["image"]),
            (&json!("BRIDGE"), &json!("debian"))
        );
    }

    #[test]
    fn everything_that_can_be_said_is_rendered() {
        let spec = DockerSpec::image("debian").no_network().privileged().force_pull();
        let spec = spec
            .parameter("label", "a=b")
            .volume("data", "/data")
            .volume_read_only("/etc", "/e");
        let info = spec.to_v1(&[]);
        assert_eq!(
            info["docker"],
            json!({
                "image": "debian", "network": "NONE", "port_mappings": [], "privileged": true, "force_pull_image": true,
                "parameters": [{"key": "label", "value": "a=b"}],
            })
        );
        assert_eq!(
            info["volumes"],
            json!([
                {"host_path": "data", "container_path": "/data", "mode": "RW"},
                {"host_path": "/etc", "container_path": "/e", "mode": "RO"},
            ])
        );
    }
}
