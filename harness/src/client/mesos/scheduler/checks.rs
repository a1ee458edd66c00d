//! Health checks and checks (Mesos `HealthCheck` and `CheckInfo`).

use std::time::Duration;

use serde_json::{Value, json};

/// How a check looks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Probe {
    Command(String),
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

impl Probe {
    fn kind(&self) -> &'static str {
        match self {
            Probe::Command(_) => "COMMAND",
            Probe::Http { .. } => "HTTP",
            Probe::Tcp { .. } => "TCP",
        }
    }
}

/// When a check looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timing {
    delay: Duration,
    interval: Duration,
    timeout: Duration,
}

impl Timing {
    /// Much quicker than Mesos' own defaults of 15 and 10 s: tests wait for it. A look may take as long as with Mesos.
    const QUICK: Timing = Timing {
        delay: Duration::ZERO,
        interval: Duration::from_millis(200),
        timeout: Duration::from_secs(20),
    };

    fn write_to(self, check: &mut Value) {
        check["delay_seconds"] = self.delay.as_secs_f64().into();
        check["interval_seconds"] = self.interval.as_secs_f64().into();
        check["timeout_seconds"] = self.timeout.as_secs_f64().into();
    }
}

macro_rules! timing {
    () => {
        /// How long after the start it first looks; at once unless said.
        pub fn delay(mut self, delay: Duration) -> Self {
            self.timing.delay = delay;
            self
        }

        /// How long after one look the next follows; 0.2 s unless said.
        pub fn interval(mut self, interval: Duration) -> Self {
            self.timing.interval = interval;
            self
        }

        /// How long one look may take; 20 s unless said.
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.timing.timeout = timeout;
            self
        }
    };
}

/// A check that kills the task when it fails too often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct HealthCheck {
    probe: Probe,
    timing: Timing,
    grace: Duration,
    failures: u32,
}

impl HealthCheck {
    fn new(probe: Probe) -> Self {
        HealthCheck {
            probe,
            timing: Timing::QUICK,
            grace: Duration::ZERO,
            failures: 3,
        }
    }

    /// Healthy while this command of the shell succeeds.
    pub fn command(command: impl Into<String>) -> Self {
        HealthCheck::new(Probe::Command(command.into()))
    }

    /// Healthy while `http://<task>:<port><path>` answers with a status from 200 to 399.
    pub fn http(port: u16, path: impl Into<String>) -> Self {
        HealthCheck::new(Probe::Http {
            port,
            path: path.into(),
        })
    }

    /// Healthy while the port takes connections.
    pub fn tcp(port: u16) -> Self {
        HealthCheck::new(Probe::Tcp { port })
    }

    timing!();

    /// How long failures do not count after the start; none unless said.
    pub fn grace_period(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// After how many failures in a row the task is killed; 3 unless said.
    pub fn consecutive_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    pub(super) fn to_v1(&self) -> Value {
        let mut check = json!({
            "type": self.probe.kind(),
            "grace_period_seconds": self.grace.as_secs_f64(),
            "consecutive_failures": self.failures,
        });
        self.timing.write_to(&mut check);
        // Unlike in CheckInfo, the command stands here directly.
        match &self.probe {
            Probe::Command(command) => check["command"] = json!({ "value": command }),
            Probe::Http { port, path } => check["http"] = json!({ "port": port, "path": path }),
            Probe::Tcp { port } => check["tcp"] = json!({ "port": port }),
        }
        check
    }
}

/// A check that only reports what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Check {
    probe: Probe,
    timing: Timing,
}

impl Check {
    /// Reports the exit code of this command of the shell.
    pub fn command(command: impl Into<String>) -> Self {
        Check {
            probe: Probe::Command(command.into()),
            timing: Timing::QUICK,
        }
    }

    /// Reports the status of `http://<task>:<port><path>`.
    pub fn http(port: u16, path: impl Into<String>) -> Self {
        Check {
            probe: Probe::Http {
                port,
                path: path.into(),
            },
            timing: Timing::QUICK,
        }
    }

    /// Reports whether the port takes connections.
    pub fn tcp(port: u16) -> Self {
        Check {
            probe: Probe::Tcp { port },
            timing: Timing::QUICK,
        }
    }

    timing!();

    pub(super) fn to_v1(&self) -> Value {
        let mut check = json!({ "type": self.probe.kind() });
        self.timing.write_to(&mut check);
        match &self.probe {
            Probe::Command(command) => check["command"] = json!({ "command": { "value": command } }),
            Probe::Http { port, path } => check["http"] = json!({ "port": port, "path": path }),
            Probe::Tcp { port } => check["tcp"] = json!({ "port": port }),
        }
        check
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_health_check_and_a_check_nest_their_command_differently() {
        assert_eq!(
            HealthCheck::command("test -f ok")
                .consecutive_failures(2)
                .interval(Duration::from_secs(1))
                .to_v1(),
            json!({"type": "COMMAND", "grace_period_seconds": 0.0, "consecutive_failures": 2, "delay_seconds": 0.0,
                   "interval_seconds": 1.0, "timeout_seconds": 20.0, "command": {"value": "test -f ok"}})
        );
        assert_eq!(
            Check::command("true").delay(Duration::from_millis(500)).to_v1(),
            json!({"type": "COMMAND", "delay_seconds": 0.5, "interval_seconds": 0.2, "timeout_seconds": 20.0,
                   "command": {"command": {"value": "true"}}})
        );
    }

    #[test]
    fn http_and_tcp_say_their_port() {
        let http = HealthCheck::http(31000, "/health")
            .grace_period(Duration::from_secs(2))
            .to_v1();
        assert_eq!(
            (&http["type"], &http["http"]),
            (&json!("HTTP"), &json!({"port": 31000, "path": "/health"}))
        );
        assert_eq!(http["grace_period_seconds"], 2.0);
        assert_eq!(
            Check::tcp(80).timeout(Duration::from_secs(1)).to_v1()["tcp"],
            json!({"port": 80})
        );
        assert_eq!(HealthCheck::tcp(80).to_v1()["type"], "TCP");
        assert_eq!(Check::http(80, "/").to_v1()["type"], "HTTP");
    }
}
