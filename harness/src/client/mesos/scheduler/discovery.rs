//! How a task is found by others: what Mesos-DNS makes names of.

use serde_json::{Value, json};

/// A `DiscoveryInfo`: a name, and the ports behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Discovery {
    name: String,
    ports: Vec<Value>,
}

impl Discovery {
    /// That name within the framework; no port yet.
    pub fn named(name: impl Into<String>) -> Self {
        Discovery {
            name: name.into(),
            ports: Vec::new(),
        }
    }

    /// One more port, of every protocol and without a name.
    pub fn port(mut self, number: u16) -> Self {
        self.ports.push(json!({ "number": number }));
        self
    }

    /// One more port, of `protocol` (as in `tcp`) and with a name.
    pub fn named_port(mut self, number: u16, protocol: &str, name: &str) -> Self {
        self.ports
            .push(json!({ "number": number, "protocol": protocol, "name": name }));
        self
    }

    /// The v1 `DiscoveryInfo` (Mesos `include/mesos/v1/mesos.proto`).
    pub(super) fn to_v1(&self) -> Value {
        json!({ "visibility": "FRAMEWORK", "name": self.name, "ports": { "ports": self.ports } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_only_what_was_said() {
        let discovery = Discovery::named("web").port(31000).named_port(31001, "tcp", "http");
        assert_eq!(
            discovery.to_v1(),
            json!({
                "visibility": "FRAMEWORK", "name": "web",
                "ports": { "ports": [{ "number": 31000 }, { "number": 31001, "protocol": "tcp", "name": "http" }] },
            })
        );
    }
}
