//! How a subscription begins: at the leader, wherever that is.

use std::sync::{Mutex, PoisonError};

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::offer::{Subscribed, Wire};
use super::shared::PATH;
use super::spec::FrameworkSpec;
use crate::await_until::{Probe, Wait};
use crate::client::Http;
use crate::client::mesos::operator::call;
use crate::client::mesos::stream::{EventStream, Opened};
use crate::deadlines::MASTER_LEADING;
use crate::{Error, Kind, Result};

/// What a subscription begins with.
pub(super) struct Begun {
    pub(super) http: Http,
    pub(super) stream: EventStream,
    pub(super) subscribed: Subscribed,
}

pub(super) async fn subscribe(master: &str, spec: &FrameworkSpec) -> Result<Begun> {
    let first = spec.identify(Http::new(master)?);
    let next = Mutex::new(first.clone());
    let mut subscribe = call("SUBSCRIBE", Some(json!({ "framework_info": spec.to_v1() })));
    if let Some(constraints) = spec.offer_constraints() {
        subscribe["subscribe"]["offer_constraints"] = constraints;
    }
    if let Some(id) = &spec.id {
        subscribe["framework_id"] = id.to_v1();
    }
    Wait::that(
        format!("a leading master takes the framework {}", spec.name),
        MASTER_LEADING,
    )
    .until(async || {
        let http = next.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (probe, then) = attempt(http, &subscribe).await;
        *next.lock().unwrap_or_else(PoisonError::into_inner) = then.unwrap_or_else(|| first.clone());
        probe
    })
    .await
}

/// One try at one master, and which master to try next.
async fn attempt(http: Http, subscribe: &Value) -> (Probe<Begun>, Option<Http>) {
    let request = http.post_json(PATH, subscribe).without_redirects();
    match EventStream::open(request).await {
        Ok(Opened::Stream(mut stream)) => match stream.next::<Wire>().await {
            Ok(Some(Wire {
                subscribed: Some(subscribed),
                ..
            })) => (
                Probe::Ready(Begun {
                    http,
                    stream: *stream,
                    subscribed,
                }),
                None,
            ),
            Ok(Some(Wire { kind, error, .. })) => {
                let message = error.map(|error| error.message).unwrap_or_default();
                let error = Error::new(Kind::Answer, format!("the master answered {kind}: {message}"))
                    .expected("SUBSCRIBED as the first event")
                    .ran(stream.ran());
                (Probe::Broken(error), None)
            }
            // A master that stops leading between its answer and its first event closes the stream.
            Ok(None) => (
                Probe::NotYet(format!("{} closed the stream at once", http.authority())),
                None,
            ),
            Err(error) => (Probe::NotYet(error.to_string()), None),
        },
        Ok(Opened::Refused {
            status: StatusCode::TEMPORARY_REDIRECT,
            location: Some(location),
            error,
        }) => match server_at(&http, &location) {
            Some(leader) => (
                Probe::NotYet(format!("sent on to {}", leader.authority())),
                Some(leader),
            ),
            None => (Probe::Broken(error), None),
        },
        Ok(Opened::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            error,
            ..
        }) => (Probe::NotYet(format!("{} {error}", http.authority())), None),
        Ok(Opened::Refused { error, .. }) => (Probe::Broken(error), None),
        Err(error) => (Probe::NotYet(error.to_string()), None),
    }
}

/// The server that a `Location` of Mesos, `//host:port/path`, points to.
fn server_at(from: &Http, location: &str) -> Option<Http> {
    let mut url = from.base().join(location).ok()?;
    url.set_path("");
    url.set_query(None);
    from.at(url.as_str()).ok()
}
