//! The watch over a scenario's cluster: while it waits for anything, no component dies unnoticed.
//!
//! One stream of the engine's events for each cluster tells every death. Waits of the same runtime, which is that of the
//! same test, end by it at once, unless the scenario itself brought it about through the [cluster](crate::Cluster) or said
//! that it may happen. Containers of tasks are not watched: it is theirs to end. The engine is asked nothing more before a
//! wait has failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bollard::models::{ContainerSummary, EventMessage};
use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use futures_util::future::{BoxFuture, select_all};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::component::{marathon, mesos_agent, mesos_master};
use crate::docker::{Engine, Selection, logs};
use crate::{Error, Kind, interrupt, labels};

/// Lines that are shown of a log.
const LINES: usize = 30;
/// Logs that are shown of a wait in vain.
const LOGS: usize = 6;
/// Logs of one component, where the wait does not name its node.
const LOGS_OF_ONE: usize = 2;
/// What takes part in most of what a scenario waits for.
const USUAL: [&str; 3] = [mesos_master::NAME, mesos_agent::NAME, marathon::NAME];

/// The vigils that are kept, each with the runtime of its test: `cargo test` runs many in one process.
static KEPT: Mutex<Vec<(runtime::Id, Weak<Watched>)>> = Mutex::new(Vec::new());

/// One cluster's watch; it ends as this goes.
#[derive(Debug)]
pub(crate) struct Vigil {
    watched: Arc<Watched>,
    listener: AbortHandle,
}

/// What waits share with it.
#[derive(Debug)]
pub(crate) struct Watched {
    engine: Engine,
    cluster: String,
    components: BTreeSet<String>,
    deaths: watch::Sender<Deaths>,
}

/// Who has died, and of whom that was to be expected.
#[derive(Debug, Default)]
struct Deaths {
    /// From the end of the boot on: its own waits know better what matters to them.
    begun: bool,
    /// A fault was made that others may die of, each in its own time.
    lenient: bool,
    containers: BTreeMap<String, Life>,
}

#[derive(Debug, Default)]
struct Life {
    /// Its end is the scenario's doing.
    expected: bool,
    /// Ends that were expected of lives before this one, and are still to be heard of: events come late.
    owed: u32,
    /// How it ended, where it has.
    ended: Option<String>,
}

impl Deaths {
    fn expect(&mut self, container: &str) {
        self.containers.entry(container.to_owned()).or_default().expected = true;
    }

    fn begin(&mut self, container: &str) {
        let life = self.containers.entry(container.to_owned()).or_default();
        if life.expected && life.ended.is_none() {
            life.owed += 1;
        }
        life.expected = false;
        life.ended = None;
    }

    fn end(&mut self, container: &str, how: String) {
        let life = self.containers.entry(container.to_owned()).or_default();
        match life.owed {
            0 => life.ended = Some(how),
            _ => life.owed -= 1,
        }
    }

    /// Who died though nothing was done to it, and how.
    fn unexpected(&self) -> Option<(String, String)> {
        let dead = self.containers.iter().filter(|(_, life)| !life.expected);
        let mut dead = dead.filter_map(|(name, life)| Some((name.clone(), life.ended.clone()?)));
        (self.begun && !self.lenient).then(|| dead.next()).flatten()
    }
}

impl Vigil {
    /// Listens to what the engine tells of `cluster`'s `components`; nothing comes of it before [`Vigil::begin`].
    pub(crate) fn keep(engine: &Engine, cluster: &str, components: BTreeSet<String>) -> Self {
        let watched = Arc::new(Watched {
            engine: engine.clone(),
            cluster: cluster.to_owned(),
            components,
            deaths: watch::Sender::default(),
        });
        let runtime = Handle::current();
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, other)| other.strong_count() > 0);
        kept.push((runtime.id(), Arc::downgrade(&watched)));
        let listener = runtime.spawn(listen(Arc::downgrade(&watched))).abort_handle();
        Vigil { watched, listener }
    }

    /// From here on a death ends waits.
    pub(crate) fn begin(&self) {
        self.watched.deaths.send_modify(|deaths| deaths.begun = true);
    }

    /// `container` is about to end, or may.
    pub(crate) fn expect(&self, container: &str) {
        self.watched.deaths.send_modify(|deaths| deaths.expect(container));
    }

    /// Something is about to be done that others than the one it is done to may die of.
    pub(crate) fn expect_any(&self) {
        self.watched.deaths.send_modify(|deaths| deaths.lenient = true);
    }

    /// `container` is about to be started, and is to live.
    pub(crate) fn expect_life(&self, container: &str) {
        self.watched.deaths.send_modify(|deaths| deaths.begin(container));
    }
}

impl Drop for Vigil {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// The watches over the clusters of the caller's test that have booted.
pub(crate) fn here() -> Vec<Arc<Watched>> {
    let Ok(runtime) = Handle::try_current() else {
        return Vec::new();
    };
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let own = kept.iter().filter(|(id, _)| *id == runtime.id());
    let begun = |watched: &Arc<Watched>| watched.deaths.borrow().begun;
    own.filter_map(|(_, watched)| watched.upgrade()).filter(begun).collect()
}

async fn listen(watched: Weak<Watched>) {
    let Some((engine, cluster)) = watched
        .upgrade()
        .map(|kept| (kept.engine.clone(), kept.cluster.clone()))
    else {
        return;
    };
    let selection = Selection::cluster(&cluster);
    let mut filters = selection.filters();
    filters.insert("type", vec!["container"]);
    filters.insert("event", vec!["die"]);
    let options = EventsOptionsBuilder::new().filters(&filters).build();
    let mut events = std::pin::pin!(engine.docker().events(Some(options)));
    while let Some(event) = events.next().await {
        let Some(watched) = watched.upgrade() else { return };
        match event {
            Ok(event) => watched.heard(event),
            // Waits go on without it: they have their deadlines.
            Err(error) => return tracing::warn!("the engine no longer tells who dies in {cluster}: {error}"),
        }
    }
}

impl Watched {
    fn heard(&self, event: EventMessage) {
        let Some(mut told) = event.actor.and_then(|actor| actor.attributes) else {
            return;
        };
        let component = told.get(labels::COMPONENT);
        if !component.is_some_and(|name| self.components.contains(name)) {
            return;
        }
        let status = told.remove("exitCode");
        let how = status.map_or_else(|| "ended".to_owned(), |code| format!("exited with status {code}"));
        if let Some(name) = told.remove("name") {
            tracing::debug!("{name} {how}");
            self.deaths.send_modify(|deaths| deaths.end(&name, how));
        }
    }

    async fn tail(&self, container: &str) -> String {
        logs::evidence(&self.engine, container, LINES).await
    }
}

/// Resolves when a component of these clusters has died that was to live, to the error that says so of a wait until
/// `what`.
pub(crate) fn death(of: Vec<Arc<Watched>>, what: String) -> BoxFuture<'static, Error> {
    // A type with a name: what it does waits, too.
    async move {
        let looks = of.iter().map(|watched| {
            async move {
                let mut deaths = watched.deaths.subscribe();
                let found = deaths.wait_for(|deaths| deaths.unexpected().is_some()).await;
                let found = found.ok().and_then(|deaths| deaths.unexpected());
                match found {
                    Some((name, how)) => (watched, name, how),
                    None => std::future::pending().await,
                }
            }
            .boxed()
        });
        let ((watched, name, how), ..) = select_all(looks).await;
        // Then it is the handler of a signal that removes them, and says so.
        interrupt::await_end();
        Error::new(
            Kind::Component,
            format!("the container {name} {how} while waiting until {what}"),
        )
        .expected("a container that keeps running")
        .ran(format!("docker logs {name}"))
        .evidence(format!("last lines of {name}:\n{}", watched.tail(&name).await))
    }
    .boxed()
}

/// What explains a wait in vain: the ends of the logs of what has ended, of what `sentence` names, and of what most waits
/// are about.
pub(crate) fn diagnosis(of: Vec<Arc<Watched>>, sentence: String) -> BoxFuture<'static, Vec<String>> {
    async move {
        let mut lines = Vec::new();
        for watched in &of {
            let selection = Selection::cluster(&watched.cluster);
            let filters = selection.filters();
            let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
            let listed = watched.engine.docker().list_containers(Some(options));
            match watched.engine.request("list containers", "docker ps -a", listed).await {
                Ok(found) => {
                    for part in chosen(found.into_iter().filter_map(Part::of), &watched.components, &sentence) {
                        let Part { container, status, .. } = &part;
                        let tail = watched.tail(container).await;
                        lines.push(format!("last lines of {container} ({status}):\n{tail}"));
                    }
                }
                Err(error) => lines.push(format!("no logs of {}: {error}", watched.cluster)),
            }
        }
        lines
    }
    .boxed()
}

/// A component's container, as the engine lists it.
#[derive(Clone, Debug)]
struct Part {
    container: String,
    node: String,
    component: String,
    runs: bool,
    /// As in `Exited (1) 2 seconds ago`.
    status: String,
}

impl Part {
    fn of(summary: ContainerSummary) -> Option<Self> {
        let labels = summary.labels.unwrap_or_default();
        Some(Part {
            container: summary.names?.pop()?.trim_start_matches('/').to_owned(),
            node: labels.get(labels::NODE)?.clone(),
            component: labels.get(labels::COMPONENT)?.clone(),
            runs: summary.state?.to_string() == "running",
            status: summary.status.unwrap_or_default(),
        })
    }
}

/// The parts whose logs matter to a wait that `sentence` tells of, the likeliest first.
fn chosen(all: impl Iterator<Item = Part>, components: &BTreeSet<String>, sentence: &str) -> Vec<Part> {
    let sentence = sentence.to_lowercase();
    let rank = |part: &Part| match part {
        part if !part.runs => Some(0),
        part if sentence.contains(&part.node) => Some(1),
        part if sentence.contains(part.component.trim_start_matches("mesos-")) => Some(2),
        part => USUAL.contains(&part.component.as_str()).then_some(3),
    };
    let known = all.filter(|part| components.contains(&part.component));
    let mut ranked: Vec<(u8, Part)> = known.filter_map(|part| Some((rank(&part)?, part))).collect();
    ranked.sort_by(|(one, first), (other, second)| (one, &first.container).cmp(&(other, &second.container)));
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    ranked.retain(|(rank, part)| {
        let before = taken.entry(part.component.clone()).or_default();
        *before += 1;
        *rank < 2 || *before <= LOGS_OF_ONE
    });
    ranked.into_iter().map(|(_, part)| part).take(LOGS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str = "c-mesos-slave1-mesos-agent";

    fn begun() -> Deaths {
        Deaths {
            begun: true,
            ..Deaths::default()
        }
    }

    fn killed() -> String {
        "exited with status 137".to_owned()
    }

    #[test]
    fn who_dies_by_itself_is_told_once_the_boot_is_over() {
        let mut deaths = Deaths::default();
        deaths.end(AGENT, killed());
        assert_eq!(deaths.unexpected(), None);
        deaths.begun = true;
        assert_eq!(deaths.unexpected(), Some((AGENT.to_owned(), killed())));
        deaths.begin(AGENT);
        assert_eq!(deaths.unexpected(), None, "it lives again");
    }

    #[test]
    fn who_is_killed_on_purpose_is_not_told() {
        let mut deaths = begun();
        deaths.expect(AGENT);
        deaths.end(AGENT, killed());
        assert_eq!(deaths.unexpected(), None);
        deaths.begin(AGENT);
        deaths.end(AGENT, killed());
        assert!(deaths.unexpected().is_some(), "its second life was to last");
    }

    #[test]
    fn an_end_that_is_heard_of_after_the_next_start_is_that_of_the_life_before() {
        let mut deaths = begun();
        for _ in 0..2 {
            deaths.expect(AGENT);
            deaths.begin(AGENT);
        }
        for _ in 0..2 {
            deaths.end(AGENT, killed());
            assert_eq!(deaths.unexpected(), None);
        }
        deaths.end(AGENT, killed());
        assert!(deaths.unexpected().is_some());
    }

    #[test]
    fn nobody_is_told_of_after_a_fault_that_reaches_others() {
        let mut deaths = begun();
        deaths.lenient = true;
        deaths.end("c-mesos-master1-mesos-master", "exited with status 1".to_owned());
        assert_eq!(deaths.unexpected(), None);
    }

    fn part(node: &str, component: &str, runs: bool) -> Part {
        Part {
            container: format!("c-{node}-{component}"),
            node: node.to_owned(),
            component: component.to_owned(),
            runs,
            status: String::new(),
        }
    }

    #[test]
    fn the_logs_that_matter_are_of_what_ended_what_is_named_and_what_is_usual() {
        let all = [
            part("mesos-master1", "zookeeper", true),
            part("mesos-master1", "mesos-master", true),
            part("mesos-master1", "mesos-dns", true),
            part("mesos-master1", "holder", true),
            part("mesos-master2", "zookeeper", false),
            part("mesos-slave1", "mesos-agent", true),
            part("mesos-slave2", "mesos-agent", true),
            part("mesos-slave3", "mesos-agent", true),
        ];
        let components: BTreeSet<String> = ["zookeeper", "mesos-master", "mesos-agent", "mesos-dns"]
            .map(str::to_owned)
            .into();
        let chosen = chosen(all.into_iter(), &components, "Mesos-DNS knows of mesos-slave3");
        let names: Vec<&str> = chosen.iter().map(|part| part.container.as_str()).collect();
        assert_eq!(
            names,
            [
                "c-mesos-master2-zookeeper",
                "c-mesos-slave3-mesos-agent",
                "c-mesos-master1-mesos-dns",
                "c-mesos-master1-mesos-master",
                "c-mesos-slave1-mesos-agent",
            ]
        );
    }
}
