//! Reads a subscription's events until it ends.

use std::sync::Arc;

use serde_json::json;

use super::ledger::Ended;
use super::offer::Wire;
use super::shared::Shared;
use crate::client::mesos::stream::EventStream;
use crate::client::mesos::task::TaskStatus;
use crate::{Error, Kind, Result};

/// Tells every wait when the reader is gone, however it went: returned, cancelled or panicked.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        let how = if std::thread::panicking() {
            "its reader panicked"
        } else {
            "nobody reads it any more"
        };
        self.0.end(Ended::on_request(how));
    }
}

pub(super) async fn read(shared: Arc<Shared>, mut stream: EventStream) -> Result<()> {
    let gone = Gone(shared);
    let result = read_all(&gone.0, &mut stream).await;
    if let Err(error) = &result {
        gone.0.end(Ended::because(error));
    }
    result
}

async fn read_all(shared: &Shared, stream: &mut EventStream) -> Result<()> {
    loop {
        match stream.next::<Wire>().await {
            Ok(Some(event)) => handle(shared, event, stream.ran()).await?,
            // A master that is stopped while we leave may break the stream off instead of ending it.
            Ok(None) | Err(_) if shared.ledger().closing => {
                shared.end(Ended::on_request("it was torn down"));
                return Ok(());
            }
            Ok(None) => {
                return Err(Error::new(Kind::Answer, "the master ended the event stream").ran(stream.ran()));
            }
            Err(error) => return Err(error),
        }
    }
}

async fn handle(shared: &Shared, event: Wire, ran: &str) -> Result<()> {
    let lacks = |part: &str| {
        Error::new(
            Kind::Answer,
            format!("an event of the type {} has no `{part}`", event.kind),
        )
        .ran(ran)
    };
    match event.kind.as_str() {
        "OFFERS" => {
            let offers = event.offers.ok_or_else(|| lacks("offers"))?.offers;
            tracing::debug!("{}: {} offers", shared.name, offers.len());
            shared.change(|ledger| {
                ledger
                    .offers
                    .extend(offers.into_iter().map(|offer| (offer.id.clone(), offer)))
            });
            unless_closing(shared, shared.decline_unwanted().await)
        }
        "RESCIND" => {
            let id = event.rescind.ok_or_else(|| lacks("rescind"))?.offer_id;
            shared.change(|ledger| {
                ledger.take(&id);
                // What was in it may be offered again at once, otherwise only at the next allocation.
                ledger.withheld = true;
            });
            Ok(())
        }
        "UPDATE" => {
            let status = event.update.ok_or_else(|| lacks("update"))?.status;
            tracing::debug!("{}: {} is {status}", shared.name, status.task_id);
            // The wait first: an acknowledgement that fails must not hide what was learnt.
            shared.change(|ledger| ledger.note(status.clone()));
            unless_closing(shared, acknowledge(shared, &status).await)
        }
        "MESSAGE" => {
            let message = event.message.ok_or_else(|| lacks("message"))?;
            shared.change(|ledger| ledger.messages.push(message));
            Ok(())
        }
        "FAILURE" => {
            let failure = event.failure.ok_or_else(|| lacks("failure"))?;
            shared.change(|ledger| ledger.failures.push(failure));
            Ok(())
        }
        "ERROR" => {
            let message = event.error.map(|error| error.message).unwrap_or_default();
            Err(Error::new(Kind::Answer, format!("the master refuses the framework: {message}")).ran(ran))
        }
        // HEARTBEAT, INVERSE_OFFERS, newer ones.
        _ => Ok(()),
    }
}

/// While we tear the framework down the master forgets it, and refuses calls that cross the teardown.
fn unless_closing(shared: &Shared, result: Result<()>) -> Result<()> {
    result.or_else(|error| if shared.ledger().closing { Ok(()) } else { Err(error) })
}

/// Only updates with a uuid want it: others come from the master itself and are not sent again.
async fn acknowledge(shared: &Shared, status: &TaskStatus) -> Result<()> {
    let (Some(uuid), Some(agent)) = (&status.uuid, &status.agent_id) else {
        return Ok(());
    };
    let body = json!({ "agent_id": agent.to_v1(), "task_id": status.task_id.to_v1(), "uuid": uuid });
    shared.call("ACKNOWLEDGE", Some(body)).await
}
