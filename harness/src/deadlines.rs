//! Every duration the harness waits for, in one table.
//!
//! A [`Deadline`] says what it bounds, and is *our patience* (expiry means that something is broken) unless its
//! comment says that it is the requirement itself. `HARNESS_PATIENCE` multiplies all of them on a slow machine.

use std::sync::OnceLock;
use std::time::Duration;

/// A named upper bound on one kind of wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The name as it stands in this table, for messages.
    pub name: &'static str,
    limit: Duration,
}

impl Deadline {
    const fn seconds(name: &'static str, seconds: u64) -> Self {
        Deadline {
            name,
            limit: Duration::from_secs(seconds),
        }
    }

    /// A bound that a scenario or a user sets for itself.
    #[must_use]
    pub const fn custom(name: &'static str, limit: Duration) -> Self {
        Deadline { name, limit }
    }

    /// The limit on this machine.
    #[must_use]
    pub fn limit(self) -> Duration {
        self.limit.mul_f64(patience())
    }
}

/// The factor of `HARNESS_PATIENCE`: a number from 0.1 to 100; 1 when unset or not such a number.
fn patience() -> f64 {
    static PATIENCE: OnceLock<f64> = OnceLock::new();
    *PATIENCE.get_or_init(|| {
        std::env::var("HARNESS_PATIENCE")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|factor| (0.1..=100.0).contains(factor))
            .unwrap_or(1.0)
    })
}

macro_rules! deadlines {
    ($($(#[$doc:meta])+ $name:ident = $seconds:literal s;)+) => {
        $($(#[$doc])+ pub const $name: Deadline = Deadline::seconds(stringify!($name), $seconds);)+
    };
}

deadlines! {
    /// One request to the Docker engine that answers at once: create, inspect, remove.
    ENGINE_REQUEST = 60 s;
    /// `dockerd`, started by us, answers.
    ENGINE_START = 60 s;
    /// An engine that may be starting says whether it is there.
    ENGINE_LOOK = 2 s;
    /// apt-get fetches and installs what the engine needs.
    PACKAGE_INSTALL = 900 s;
    /// Another process sets this machine up.
    SETUP_LOCK = 1800 s;
    /// One image build, from the first step to the last.
    IMAGE_BUILD = 1500 s;
    /// The download of one pinned artefact.
    ARTEFACT_FETCH = 600 s;
    /// The bootstrap of the Debian base.
    BASE_BOOTSTRAP = 600 s;
    /// An image registry that is there at all says something; one that is not must not hold up a build.
    REGISTRY_ANSWER = 10 s;
    /// The engine asks an image registry about one image, for `harness doctor`: information, and not worth a wait.
    REGISTRY_LOOK = 5 s;
    /// Another process holds the lock of an image build.
    IMAGE_LOCK = 1800 s;
    /// A ZooKeeper server serves its clients.
    ZOOKEEPER_READY = 40 s;
    /// A Mesos master answers and an elected leader is known.
    MASTER_LEADING = 40 s;
    /// An agent answers and the leading master has registered it.
    AGENT_REGISTERED = 40 s;
    /// The master's view of an agent that was stopped.
    AGENT_GONE = 120 s;
    /// A framework gets an offer that fits.
    OFFER = 30 s;
    /// A small task goes from accepted offer to the state asked for.
    TASK_STATE = 45 s;
    /// One HTTP request to a component.
    HTTP_REQUEST = 20 s;
    /// One request to ZooKeeper.
    ZOOKEEPER_REQUEST = 20 s;
    /// A framework that a scenario dropped without ending it: what `Drop` may block for its teardown.
    DROP_TEARDOWN = 2 s;
    /// The host connects to a container, for `harness doctor`: on one machine that is answered at once.
    CONTAINER_CONNECT = 2 s;
    /// `git` answers about the work tree.
    GIT = 20 s;
    /// What a wait that expired gathers to explain itself: it asks the same engine that may be what hangs.
    DIAGNOSIS = 10 s;
    /// One command inside a container.
    EXEC = 60 s;
    /// The processes of a command that did not end, or whose reader left, are killed.
    EXEC_KILL = 10 s;
    /// A container has ended: what it and its commands wrote is read for this long yet.
    LAST_OUTPUT = 2 s;
    /// A container's process answers SIGTERM.
    CONTAINER_STOP = 10 s;
    /// A signal came: a request to create something that is under way is answered.
    CREATION_ENDS = 10 s;
    /// nextest, told to end, ends its tests and itself: the `grace-period` of `.config/nextest.toml` and half of it more.
    NEXTEST_ENDS = 90 s;
    /// Everything of one cluster is removed.
    TEARDOWN = 60 s;
    /// The reaper is ready to take a lease.
    REAPER_READY = 10 s;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_carries_its_name_in_the_table() {
        assert_eq!(AGENT_REGISTERED.name, "AGENT_REGISTERED");
        assert!(AGENT_REGISTERED.limit() > Duration::ZERO);
    }
}
