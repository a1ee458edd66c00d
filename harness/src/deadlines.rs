//! Every duration the harness waits for, in one table.
//!
//! A [`Deadline`] says what it bounds, and is *our patience* (expiry means that something is broken) unless its
//! comment says that it is the requirement itself. `HARNESS_PATIENCE` multiplies all of them but [`ADMISSION`] on a slow
//! machine;
//! `HARNESS_DEADLINES=IMAGE_BUILD=3000,OFFER=5` sets some of them, in seconds.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use crate::{Error, Result};

/// A factor for every deadline.
pub const PATIENCE_VARIABLE: &str = "HARNESS_PATIENCE";
/// Deadlines of this table by name, in seconds.
pub const DEADLINES_VARIABLE: &str = "HARNESS_DEADLINES";

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
        // What is wrong with the variables is told by `check`.
        let told = TOLD.as_ref();
        let set = told.ok().and_then(|told| told.limits.get(self.name)).copied();
        // The test runner's own patience does not grow: a wait for memory that outlasts it could not say why it ended.
        let patience = told.map_or(1.0, |told| if self == ADMISSION { 1.0 } else { told.patience });
        set.unwrap_or_else(|| self.limit.mul_f64(patience))
    }
}

/// What the environment says of deadlines.
#[derive(Debug, PartialEq)]
struct Told {
    patience: f64,
    limits: HashMap<String, Duration>,
}

static TOLD: LazyLock<Result<Told>> = LazyLock::new(|| {
    let said = |name: &str| std::env::var(name).unwrap_or_default();
    told(&said(PATIENCE_VARIABLE), &said(DEADLINES_VARIABLE))
});

/// Says what is wrong with the variables that change deadlines.
///
/// # Errors
/// [`crate::Kind::Usage`] where one is not what it should be.
pub fn check() -> Result<()> {
    match &*TOLD {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::usage(error.to_string()).expected(error.expected_text().unwrap_or_default())),
    }
}

fn told(patience: &str, limits: &str) -> Result<Told> {
    let factor = match patience {
        "" => Some(1.0),
        text => text.parse().ok().filter(|factor| (0.1..=100.0).contains(factor)),
    };
    let patience = factor.ok_or_else(|| {
        Error::usage(format!("{PATIENCE_VARIABLE}={patience} is no factor")).expected("a number from 0.1 to 100")
    })?;
    let limits = limits.split(',').filter(|one| !one.is_empty()).map(|one| {
        let (name, seconds) = one.split_once('=').unwrap_or((one, ""));
        if !NAMES.contains(&name) {
            return Err(
                Error::usage(format!("{DEADLINES_VARIABLE}: no deadline is called {name:?}"))
                    .expected(format!("NAME=seconds, NAME one of {}", NAMES.join(", "))),
            );
        }
        match seconds
            .parse::<f64>()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        {
            Some(limit) => Ok((name.to_owned(), limit)),
            None => Err(Error::usage(format!("{DEADLINES_VARIABLE}: {one:?} is no deadline"))
                .expected(format!("{name}= and a number of seconds"))),
        }
    });
    let limits = limits.collect::<Result<_>>()?;
    Ok(Told { patience, limits })
}

macro_rules! deadlines {
    ($($(#[$doc:meta])+ $name:ident = $seconds:literal s;)+) => {
        $($(#[$doc])+ pub const $name: Deadline = Deadline::seconds(stringify!($name), $seconds);)+
        const NAMES: &[&str] = &[$(stringify!($name)),+];
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
    /// The engine ends the step of a build that was broken off.
    BUILD_ENDS = 15 s;
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
    /// Every master's replica of the registry votes.
    REGISTRY_REPLICATED = 40 s;
    /// Marathon has elected a leader, and the Mesos master has registered it.
    MARATHON_READY = 40 s;
    /// Admin Router serves, and leads to the leading Mesos master.
    ADMIN_ROUTER_READY = 40 s;
    /// HAProxy serves its statistics.
    HAPROXY_READY = 20 s;
    /// The server of packages answers.
    UNIVERSE_READY = 20 s;
    /// Mesos-DNS has read the leading master's state, and knows its address.
    MESOS_DNS_READY = 40 s;
    /// A change in the cluster is in the answers of its name servers.
    NAME_RESOLVED = 20 s;
    /// A deployment of Marathon's ends: its tasks started, passed their checks, and old ones ended.
    DEPLOYMENT = 180 s;
    /// Spark's dispatcher takes submissions, from the install of its package on.
    SPARK_DISPATCHER = 180 s;
    /// A driver comes to the state asked for: the dispatcher of 1.6 may wait six seconds for an offer, and three JVMs
    /// start one after the other.
    SPARK_DRIVER = 240 s;
    /// An app of Marathon's comes to what is asked for, outside of a deployment.
    APP_STATE = 120 s;
    /// Another Marathon leads: its session at ZooKeeper lasts ten seconds.
    MARATHON_FAILOVER = 60 s;
    /// Marathon tells of an event.
    MARATHON_EVENT = 30 s;
    /// An agent answers and the leading master has registered it.
    AGENT_REGISTERED = 40 s;
    /// The master's view of an agent that was stopped.
    AGENT_GONE = 120 s;
    /// A package's framework registers with the master under its name.
    FRAMEWORK_REGISTERED = 90 s;
    /// A service's page is there behind Admin Router, once the service is healthy.
    SERVICE_PAGE = 40 s;
    /// A broker of Kafka's comes to what is asked for.
    BROKER_STATE = 180 s;
    /// What looks the same for so long, while nothing is under way, has come to rest: an answer that does not change any more.
    AT_REST = 5 s;
    /// After an uninstall its last task has ended, and everything has heard of it.
    NOTHING_LEFT = 40 s;
    /// A service is back after a task of it, its scheduler or an agent was lost; its tasks have their grace period besides.
    COMES_BACK = 90 s;
    /// Marathon has taken an app away.
    UPDATE_TAKEN = 40 s;
    /// A framework gets an offer that fits.
    OFFER = 30 s;
    /// A small task goes from accepted offer to the state asked for.
    TASK_STATE = 45 s;
    /// A task has written what is waited for: a JVM may have to start for it, and another one after that.
    SANDBOX_TEXT = 180 s;
    /// One HTTP request to a component.
    HTTP_REQUEST = 20 s;
    /// Chromium opens a page, and the page shows what it asked its API for.
    PAGE_SHOWS = 60 s;
    /// What a command in a container wrote is read, from its start to its end.
    SESSION_OUTPUT = 60 s;
    /// One look at a server that is starting. It is looked at again: some take a connection then and never answer it.
    STARTING_LOOK = 2 s;
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
    EXEC = 120 s;
    /// The processes of a command that did not end, or whose reader left, are killed.
    EXEC_KILL = 10 s;
    /// A container has ended: what it and its commands wrote is read for this long yet.
    LAST_OUTPUT = 2 s;
    /// A container's process answers SIGTERM.
    CONTAINER_STOP = 10 s;
    /// A signal came: a request to create something that is under way is answered. An engine whose disk is busy takes long
    /// to note what it made; nextest's `grace-period` is longer.
    CREATION_ENDS = 30 s;
    /// nextest, told to end, ends its tests and itself: the `grace-period` of `.config/nextest.toml` and half of it more.
    NEXTEST_ENDS = 90 s;
    /// Everything of one cluster is removed.
    TEARDOWN = 60 s;
    /// The reaper is ready to take a lease.
    REAPER_READY = 10 s;
    /// A component ends by itself, as Mesos does when it has lost its ZooKeeper.
    COMPONENT_ENDS = 60 s;
    /// Another process is done with starting or making a node of the same cluster.
    NODE_TURN = 180 s;
    /// Other clusters end, and give the memory that this one needs. Less than the test runner gives a scenario.
    ADMISSION = 480 s;
    /// Another process looks how much memory is taken.
    ADMISSION_TURN = 60 s;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_carries_its_name_in_the_table() {
        assert_eq!(AGENT_REGISTERED.name, "AGENT_REGISTERED");
        assert!(AGENT_REGISTERED.limit() > Duration::ZERO);
    }

    #[test]
    fn the_environment_changes_all_or_some() {
        let said = told("2.5", "OFFER=5,IMAGE_BUILD=0.5").expect("both are right");
        assert!((said.patience - 2.5).abs() < f64::EPSILON);
        assert_eq!(said.limits["OFFER"], Duration::from_secs(5));
        assert_eq!(said.limits["IMAGE_BUILD"], Duration::from_millis(500));
        assert_eq!(told("", "").expect("nothing is said").limits.len(), 0);
        for (patience, limits, part) in [
            ("much", "", "HARNESS_PATIENCE=much"),
            ("0", "", "HARNESS_PATIENCE=0"),
            ("", "OFER=5", "no deadline is called \"OFER\""),
            ("", "OFFER", "\"OFFER\" is no deadline"),
            ("", "OFFER=-1", "\"OFFER=-1\" is no deadline"),
        ] {
            let error = told(patience, limits).expect_err(part);
            assert!(error.explain().contains(part), "{error:?}");
        }
    }
}
