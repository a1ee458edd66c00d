//! What the framework, its tasks' handles and its reader share.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ledger::{Ended, Ledger};
use crate::await_until::{Probe, Wait, changes};
use crate::client::mesos::operator::call;
use crate::client::{FrameworkId, Http, OfferId};
use crate::deadlines::Deadline;
use crate::{Error, Result};

pub(super) const PATH: &str = "api/v1/scheduler";
/// Ties a call to its subscription.
pub(super) const STREAM_ID: &str = "mesos-stream-id";
/// How long resources stay away after a decline. Every wait for an offer lifts the filters first, so this is only
/// how long an idle framework is left alone.
pub(super) const REFUSE: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) http: Http,
    pub(super) stream_id: String,
    pub(super) id: FrameworkId,
    pub(super) name: String,
    ledger: Mutex<Ledger>,
    changed: watch::Sender<()>,
    /// One at a time: a DECLINE that crossed a REVIVE could set its filter after all filters were lifted, and hide
    /// from a wait what it waits for.
    gate: tokio::sync::Mutex<()>,
}

impl Shared {
    pub(super) fn new(http: Http, stream_id: String, id: FrameworkId, name: String) -> Arc<Self> {
        let ledger = Mutex::new(Ledger::new());
        Arc::new(Shared {
            http,
            stream_id,
            id,
            name,
            ledger,
            changed: watch::Sender::new(()),
            gate: tokio::sync::Mutex::new(()),
        })
    }

    /// The ledger, to look at. A panic elsewhere leaves it whole: every change is one step.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ledger and wakes every wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let result = change(&mut self.ledger());
        self.changed.send_replace(());
        result
    }

    /// Changes the ledger without waking anybody: for looks, which would otherwise wake each other for ever.
    pub(super) fn change_quietly<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> T {
        change(&mut self.ledger())
    }

    /// Says why nothing more will come; the first reason stays.
    pub(super) fn end(&self, reason: Ended) {
        self.change(|ledger| {
            ledger.ended.get_or_insert(reason);
        });
    }

    /// The error of the ended subscription, if it has ended.
    pub(super) fn over(&self) -> Option<Error> {
        self.ledger().ended.as_ref().map(|ended| ended.error(&self.label()))
    }

    /// The framework for messages: its name and its id.
    pub(super) fn label(&self) -> String {
        format!("the framework {} ({})", self.name, self.id)
    }

    /// A wait that looks again at every change of the ledger.
    pub(super) fn wait<'a>(&self, what: String, deadline: Deadline) -> Wait<'a> {
        Wait::that(what, deadline).woken_by(changes(self.changed.subscribe()))
    }

    /// Waits with `wait` until `look` finds something; `Err` is the reason why there is nothing yet. The end of the
    /// subscription ends it.
    pub(super) async fn until<T>(&self, wait: Wait<'_>, look: impl Fn() -> Result<T, String>) -> Result<T> {
        wait.until(|| {
            let found = match look() {
                Ok(found) => Probe::Ready(found),
                Err(reason) => self.over().map_or(Probe::NotYet(reason), Probe::Broken),
            };
            async move { found }
        })
        .await
    }

    /// One call of this subscription; the master accepts it with 202. Once the subscription is over its error is the
    /// answer: what the master would say then is only that it no longer knows us.
    pub(super) async fn call(&self, kind: &str, body: Option<Value>) -> Result<()> {
        if let Some(error) = self.over() {
            return Err(error);
        }
        let mut call = call(kind, body);
        call["framework_id"] = self.id.to_v1();
        let request = self
            .http
            .post_json(PATH, &call)
            .header(STREAM_ID, self.stream_id.as_str())
            .without_redirects();
        // UPDATE_FRAMEWORK alone is answered when it is done.
        let done = if kind == "UPDATE_FRAMEWORK" {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        request.send().await?.expect(&[done]).map(drop)
    }

    /// Gives offers back for [`REFUSE`].
    pub(super) async fn decline(&self, offers: &[OfferId]) -> Result<()> {
        self.decline_for(offers, REFUSE).await
    }

    pub(super) async fn decline_for(&self, offers: &[OfferId], refusal: Duration) -> Result<()> {
        let _gate = self.gate.lock().await;
        self.ledger().withheld = true;
        self.send_decline(offers, refusal).await
    }

    /// Gives back everything that nobody waits for.
    pub(super) async fn decline_unwanted(&self) -> Result<()> {
        let _gate = self.gate.lock().await;
        let unwanted = self.change(Ledger::unwanted);
        if unwanted.is_empty() {
            return Ok(());
        }
        self.send_decline(&unwanted, REFUSE).await
    }

    async fn send_decline(&self, offers: &[OfferId], refusal: Duration) -> Result<()> {
        let ids: Vec<Value> = offers.iter().map(OfferId::to_v1).collect();
        let filters = json!({ "refuse_seconds": refusal.as_secs_f64() });
        self.call("DECLINE", Some(json!({ "offer_ids": ids, "filters": filters })))
            .await
    }

    /// Has everything offered at once that is to be had, and lifts our filters; where that can change nothing, nothing
    /// is asked.
    pub(super) async fn ask_for_offers(&self) -> Result<()> {
        let _gate = self.gate.lock().await;
        let asking = Asking::begin(self);
        if asking.pending {
            self.call("REVIVE", None).await?;
        }
        asking.done();
        Ok(())
    }
}

/// A REVIVE under way. One that fails, or that nobody waits for any more, leaves the resources withheld; what is
/// withheld anew meanwhile stays so in any case.
struct Asking<'a> {
    shared: &'a Shared,
    pending: bool,
}

impl<'a> Asking<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let pending = std::mem::take(&mut shared.ledger().withheld);
        Asking { shared, pending }
    }

    fn done(mut self) {
        self.pending = false;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.shared.ledger().withheld |= self.pending;
    }
}

/// A TEARDOWN without a runtime, for `Drop`: written by hand, since nothing may be awaited there.
pub(super) fn teardown_blocking(shared: &Shared, limit: Duration) {
    let mut call = call("TEARDOWN", None);
    call["framework_id"] = shared.id.to_v1();
    let (body, authority, stream_id) = (call.to_string(), shared.http.authority(), &shared.stream_id);
    let authorization = shared.http.authorization();
    let authorization = authorization
        .map(|own| format!("Authorization: {own}\r\n"))
        .unwrap_or_default();
    let request = format!(
        "POST /{PATH} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n{STREAM_ID}: {stream_id}\r\n\
         {authorization}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    if let Err(error) = send_blocking(&authority, request.as_bytes(), limit) {
        tracing::warn!("{} could not be torn down: {error}", shared.label());
    }
}

/// Sends a request and waits for the first bytes of its answer: then it has been read.
fn send_blocking(authority: &str, request: &[u8], limit: Duration) -> std::io::Result<()> {
    let address = authority
        .to_socket_addrs()?
        .next()
        .ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let mut connection = TcpStream::connect_timeout(&address, limit)?;
    connection.set_read_timeout(Some(limit))?;
    connection.set_write_timeout(Some(limit))?;
    connection.write_all(request)?;
    connection.read_exact(&mut [0; 12])
}
