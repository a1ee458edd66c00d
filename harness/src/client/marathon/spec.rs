//! Apps to create.

use serde_json::{Value, json};

/// An app to create: small, unless it is told otherwise.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct AppSpec {
    json: Value,
}

/// A health check of an app.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Check {
    json: Value,
}

impl AppSpec {
    /// One instance of a command for the shell, with 0.1 processors and 32 MB.
    pub fn command(id: &str, cmd: impl Into<String>) -> Self {
        AppSpec {
            json: json!({ "id": id, "cmd": cmd.into(), "instances": 1, "cpus": 0.1, "mem": 32 }),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.json["id"].as_str().unwrap_or_default()
    }

    /// So many of it.
    pub fn instances(self, instances: u32) -> Self {
        self.with("instances", json!(instances))
    }

    /// Processors and megabytes of each.
    pub fn resources(self, cpus: f64, mem: f64) -> Self {
        self.with("cpus", json!(cpus)).with("mem", json!(mem))
    }

    /// A constraint: `["hostname", "UNIQUE"]`.
    pub fn constraint(mut self, words: &[&str]) -> Self {
        push(&mut self.json, "constraints", json!(words));
        self
    }

    /// A health check.
    pub fn check(mut self, check: Check) -> Self {
        push(&mut self.json, "healthChecks", check.json);
        self
    }

    /// How many tasks stay healthy in an upgrade, and how many more there may be, as parts of its instances.
    pub fn upgrade(self, minimum: f64, over: f64) -> Self {
        let strategy = json!({ "minimumHealthCapacity": minimum, "maximumOverCapacity": over });
        self.with("upgradeStrategy", strategy)
    }

    /// Any other field.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.json[key] = value;
        self
    }

    /// As it is sent.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.json
    }
}

fn push(json: &mut Value, key: &str, value: Value) {
    match &mut json[key] {
        Value::Array(all) => all.push(value),
        none => *none = json!([value]),
    }
}

impl Check {
    /// A check by `protocol` each second, without a grace period: three failures in a row may pass.
    pub fn new(protocol: &str) -> Self {
        Check {
            json: json!({
                "protocol": protocol, "gracePeriodSeconds": 0, "intervalSeconds": 1, "timeoutSeconds": 5,
                "maxConsecutiveFailures": 3,
            }),
        }
    }

    /// A GET of `path` on the first port.
    pub fn http(path: &str) -> Self {
        Check::new("HTTP").with("path", json!(path)).with("portIndex", json!(0))
    }

    /// A connection to the first port.
    pub fn tcp() -> Self {
        Check::new("TCP").with("portIndex", json!(0))
    }

    /// A command beside the task, run by Mesos.
    pub fn command(line: &str) -> Self {
        Check::new("COMMAND").with("command", json!({ "value": line }))
    }

    /// Any other field.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.json[key] = value;
        self
    }
}
