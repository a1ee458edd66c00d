//! A subscribed framework.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::handle::TaskHandle;
use super::ledger::{Ended, Wanted};
use super::offer::{Bundle, Offer, bundles};
use super::shared::{STREAM_ID, Shared};
use super::spec::FrameworkSpec;
use super::subscribe::{self, Begun};
use super::task_spec::TaskSpec;
use super::{reader, shared};
use crate::client::FrameworkId;
use crate::client::mesos::master::MasterClient;
use crate::deadlines::{DROP_TEARDOWN, Deadline, HTTP_REQUEST, OFFER};
use crate::explain::Shortfall;
use crate::{Error, Kind, Result};

/// A framework with a subscription at the leading master.
///
/// End it with [`Framework::finish`], which reports what went wrong in the background. Dropping it ends it too, as
/// far as that can be done without waiting.
#[derive(Debug)]
pub struct Framework {
    pub(super) shared: Arc<Shared>,
    spec: FrameworkSpec,
    reader: Option<JoinHandle<Result<()>>>,
}

impl Framework {
    /// Subscribes at the leader of the masters that `master` (`http://host:port`) belongs to: a master that does not
    /// lead names the one that does, and one without a leader is asked again for as long as
    /// [`MASTER_LEADING`](crate::deadlines::MASTER_LEADING) says.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when no leader takes it, [`Kind::Answer`] when the leader refuses it.
    pub async fn subscribe(master: &str, spec: FrameworkSpec) -> Result<Self> {
        Framework::begin(subscribe::subscribe(master, &spec).await?, spec)
    }

    fn begin(begun: Begun, spec: FrameworkSpec) -> Result<Self> {
        let Begun {
            http,
            mut stream,
            subscribed,
        } = begun;
        let stream_id = stream.header(STREAM_ID).map(str::to_owned);
        let stream_id = stream_id.ok_or_else(|| {
            Error::new(Kind::Answer, "the subscription's answer has no Mesos-Stream-Id").ran(stream.ran())
        })?;
        if let Some(interval) = subscribed.heartbeat_interval_seconds {
            stream.expect_heartbeat(interval);
        }
        let shared = Shared::new(http, stream_id, subscribed.framework_id, spec.name.clone());
        let reader = Some(tokio::spawn(reader::read(shared.clone(), stream)));
        Ok(Framework { shared, spec, reader })
    }

    /// The id that the master gave it.
    #[must_use]
    pub fn id(&self) -> &FrameworkId {
        &self.shared.id
    }

    /// The base address of the master that leads.
    #[must_use]
    pub fn master(&self) -> &str {
        self.shared.http.base().as_str()
    }

    /// The offers at hand.
    #[must_use]
    pub fn offers(&self) -> Vec<Offer> {
        let ledger = self.shared.ledger();
        ledger.offers.values().chain(ledger.held.values()).cloned().collect()
    }

    /// Waits for an offer that `pick` takes, and keeps it for [`Framework::launch`] or [`Framework::decline`]. `what`
    /// is what the offer does: "is of mesos-slave2".
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`OFFER`] with the offers there are, and the error of a subscription that is over.
    pub async fn await_offer(&self, what: &str, pick: impl Fn(&Offer) -> bool) -> Result<Offer> {
        self.shared.change(|ledger| ledger.keeps = true);
        self.shared.ask_for_offers().await?;
        self.await_next_offer(what, pick).await
    }

    /// As [`Framework::await_offer`], and leaves the filters of earlier declines in force.
    ///
    /// # Errors
    /// As [`Framework::await_offer`].
    pub async fn await_next_offer(&self, what: &str, pick: impl Fn(&Offer) -> bool) -> Result<Offer> {
        self.shared.change(|ledger| ledger.keeps = true);
        let wait = self
            .shared
            .wait(format!("an offer to {} {what}", self.shared.name), OFFER);
        let look = || {
            let held = self.shared.change_quietly(|ledger| ledger.hold(&pick));
            held.ok_or_else(|| self.offers_told())
        };
        self.shared.until(wait, look).await
    }

    fn offers_told(&self) -> String {
        let offers = self.offers();
        if offers.is_empty() {
            return "there is no offer".to_owned();
        }
        let told: Vec<String> = offers
            .iter()
            .map(|offer| format!("{}: {}", offer.hostname, offer.usable()))
            .collect();
        format!("there is {}", told.join("; "))
    }

    /// Launches one task on an offer, and gives back the rest of it.
    ///
    /// # Errors
    /// As [`Framework::launch_all`].
    pub async fn launch(&self, offer: &Offer, spec: TaskSpec) -> Result<TaskHandle> {
        let mut handles = self.launch_all(offer, [spec]).await?;
        handles
            .pop()
            .ok_or_else(|| Error::internal("one task was launched and none is known"))
    }

    /// Launches tasks on an offer, and gives back the rest of it.
    ///
    /// # Errors
    /// [`Kind::Answer`] when the offer no longer stands or does not hold the tasks, and the call's.
    pub async fn launch_all(
        &self,
        offer: &Offer,
        specs: impl IntoIterator<Item = TaskSpec>,
    ) -> Result<Vec<TaskHandle>> {
        self.accept(self.take_offer(offer)?, specs.into_iter().collect()).await
    }

    /// Takes an offer away from everybody else, to be used.
    pub(super) fn take_offer(&self, offer: &Offer) -> Result<Bundle> {
        if let Some(error) = self.shared.over() {
            return Err(error);
        }
        let taken = self.shared.change(|ledger| ledger.take(&offer.id));
        let taken = taken.ok_or_else(|| {
            Error::new(
                Kind::Answer,
                format!("the offer {} of {} no longer stands", offer.id, offer.hostname),
            )
            .expected("an offer that was neither used, declined nor rescinded")
        })?;
        Ok(bundles(std::iter::once(&taken)).pop().unwrap_or_default())
    }

    /// Gives an offer back.
    ///
    /// # Errors
    /// The call's.
    pub async fn decline(&self, offer: &Offer) -> Result<()> {
        self.decline_for(offer, shared::REFUSE).await
    }

    /// Gives an offer back, and wants nothing of that agent for `refusal`.
    ///
    /// # Errors
    /// The call's.
    pub async fn decline_for(&self, offer: &Offer, refusal: Duration) -> Result<()> {
        match self.shared.change(|ledger| ledger.take(&offer.id)) {
            Some(offer) => self.shared.decline_for(&[offer.id], refusal).await,
            None => Ok(()),
        }
    }

    /// A handle on a task that another subscription of this framework launched: what this one is told of it.
    #[must_use]
    pub fn adopt(&self, task: &TaskHandle) -> TaskHandle {
        TaskHandle {
            shared: self.shared.clone(),
            ..task.clone()
        }
    }

    /// Waits for offers that hold the task, launches it, and gives back all other offers.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`OFFER`], with what every agent is short of; the call's; and the error of a
    /// subscription that is over.
    pub async fn run(&self, spec: TaskSpec) -> Result<TaskHandle> {
        self.run_within(spec, OFFER).await
    }

    /// As [`Framework::run`], with another bound on the wait for an offer.
    ///
    /// # Errors
    /// As [`Framework::run`].
    pub async fn run_within(&self, spec: TaskSpec, deadline: Deadline) -> Result<TaskHandle> {
        let mut handles = self.run_all_within([spec], deadline).await?;
        handles
            .pop()
            .ok_or_else(|| Error::internal("one task was launched and none is known"))
    }

    /// Runs several tasks, as many as fit on each offer.
    ///
    /// # Errors
    /// As [`Framework::run`]. Tasks that were launched before the error go on.
    pub async fn run_all(&self, specs: impl IntoIterator<Item = TaskSpec>) -> Result<Vec<TaskHandle>> {
        self.run_all_within(specs, OFFER).await
    }

    async fn run_all_within(
        &self,
        specs: impl IntoIterator<Item = TaskSpec>,
        deadline: Deadline,
    ) -> Result<Vec<TaskHandle>> {
        self.placing(self.place(specs.into_iter().collect(), deadline)).await
    }

    /// Keeps offers while `place` waits for them, and gives back what is left over.
    pub(super) async fn placing(
        &self,
        place: impl Future<Output = Result<Vec<TaskHandle>>>,
    ) -> Result<Vec<TaskHandle>> {
        let waiting = Waiting::begin(&self.shared);
        let placed = place.await;
        drop(waiting);
        if placed.is_ok() {
            self.shared.change(|ledger| ledger.keeps = false);
        }
        let declined = self.shared.decline_unwanted().await;
        placed.and_then(|handles| declined.map(|()| handles))
    }

    /// Holds a task against the agents that the master has registered: what is short, and by how much.
    ///
    /// # Errors
    /// The request's.
    pub async fn shortfall(&self, spec: &TaskSpec) -> Result<Shortfall> {
        self.shortfall_of(&spec.wanted()).await
    }

    pub(super) async fn shortfall_of(&self, wanted: &Wanted) -> Result<Shortfall> {
        let role = self.spec.roles.first().map_or("*", String::as_str);
        MasterClient::new(self.master())?
            .shortfall(&wanted.demand, role, &wanted.constraints)
            .await
    }

    /// Asks for the present state of every task, known to us or not; each comes as one more update.
    ///
    /// # Errors
    /// The call's.
    pub async fn reconcile(&self) -> Result<()> {
        self.shared.call("RECONCILE", Some(json!({ "tasks": [] }))).await
    }

    /// UPDATE_FRAMEWORK: is in these roles from now on, and no longer in the former ones.
    ///
    /// # Errors
    /// The call's.
    pub async fn change_roles<R: Into<String>>(&mut self, roles: impl IntoIterator<Item = R>) -> Result<()> {
        let spec = self.spec.clone().roles(roles).id(self.shared.id.clone());
        let body = json!({ "framework_info": spec.to_v1(), "suppressed_roles": [] });
        self.shared.call("UPDATE_FRAMEWORK", Some(body)).await?;
        self.spec = spec;
        Ok(())
    }

    /// Asks for no more offers.
    ///
    /// # Errors
    /// The call's.
    pub async fn suppress(&self) -> Result<()> {
        self.shared.call("SUPPRESS", None).await
    }

    /// Asks for offers again, and lifts every filter.
    ///
    /// # Errors
    /// The call's.
    pub async fn revive(&self) -> Result<()> {
        self.shared.ledger().withheld = true;
        self.shared.ask_for_offers().await
    }

    /// Ends the framework with all its tasks. Every later wait fails and says so.
    ///
    /// # Errors
    /// The call's.
    pub async fn teardown(&self) -> Result<()> {
        let already = {
            let mut ledger = self.shared.ledger();
            ledger.ended.is_some() || std::mem::replace(&mut ledger.closing, true)
        };
        if already {
            return Ok(());
        }
        self.shared.call("TEARDOWN", None).await?;
        self.shared.end(Ended::on_request("it was torn down"));
        Ok(())
    }

    /// Drops the connection without a word, as a scheduler that dies does. Its tasks live for the failover timeout;
    /// the id is for [`FrameworkSpec::id`].
    pub async fn disconnect(mut self) -> FrameworkId {
        self.shared.ledger().closing = true;
        if let Some(reader) = self.reader.take() {
            reader.abort();
            // Cancelled on purpose; only its being over matters, since then the connection is closed.
            let _ = reader.await;
        }
        self.shared.id.clone()
    }

    /// Ends the framework and reports whatever went wrong in the background: a subscription that broke, an
    /// acknowledgement that was refused, a panic.
    ///
    /// # Errors
    /// The teardown's, or the background's.
    pub async fn finish(mut self) -> Result<()> {
        let torn_down = self.teardown().await;
        let Some(mut reader) = self.reader.take() else {
            return torn_down;
        };
        let Ok(joined) = tokio::time::timeout(HTTP_REQUEST.limit(), &mut reader).await else {
            reader.abort();
            torn_down?;
            let silent = format!("the master did not close the event stream of {}", self.shared.label());
            return Err(Error::new(Kind::Deadline, silent).expected("the end of the stream after a TEARDOWN"));
        };
        match joined {
            Ok(read) => read.and(torn_down),
            Err(panic) => {
                Err(Error::internal(format!("the reader of {} panicked", self.shared.label())).caused_by(panic))
            }
        }
    }
}

impl Drop for Framework {
    /// Closes the connection: the master then removes the framework at once, unless it has a failover timeout. For
    /// one that has, a teardown is tried, bounded by two seconds.
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        let over = {
            let mut ledger = self.shared.ledger();
            ledger.ended.is_some() || std::mem::replace(&mut ledger.closing, true)
        };
        if !over && self.spec.survives() {
            shared::teardown_blocking(&self.shared, DROP_TEARDOWN.limit());
        }
        reader.abort();
    }
}

/// Counts as one who waits for offers while it lives.
struct Waiting<'a>(&'a Shared);

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared) -> Self {
        shared.ledger().waiting += 1;
        Waiting(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.ledger().waiting -= 1;
    }
}
