//! The event stream: server-sent events.

use bytes::BytesMut;
use serde_json::Value;

use crate::await_until::Wait;
use crate::client::Request;
use crate::client::http::{excerpt, media_type};
use crate::deadlines::{DEPLOYMENT, MARATHON_EVENT};
use crate::{Error, Kind, Result};

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its type, as `status_update_event`.
    pub kind: String,
    /// Its JSON.
    pub data: Value,
}

/// Reads events one by one.
#[derive(Debug)]
pub struct EventStream {
    response: reqwest::Response,
    buffer: BytesMut,
    ran: String,
}

impl EventStream {
    pub(super) async fn open(request: Request) -> Result<Self> {
        let (response, ran) = request.header("accept", "text/event-stream").open().await?;
        let status = response.status();
        let found = media_type(response.headers());
        if !status.is_success() || found != "text/event-stream" {
            return Err(
                Error::new(Kind::Answer, format!("answered {status} and the type `{found}`"))
                    .answered(status.as_u16())
                    .expected("a stream of events")
                    .ran(ran),
            );
        }
        let mut stream = EventStream {
            response,
            buffer: BytesMut::new(),
            ran,
        };
        stream
            .wait_for("the stream tells of itself", |event| {
                event.kind == "event_stream_attached"
            })
            .await?;
        Ok(stream)
    }

    /// The next event that is as `wanted` says; others before it are passed over.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`MARATHON_EVENT`], [`Kind::Answer`] where the stream ends or is none of events.
    pub async fn wait_for(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        let reading = async {
            loop {
                let event = self.next().await?;
                if wanted(&event) {
                    return Ok(event);
                }
            }
        };
        Wait::that(what.to_owned(), MARATHON_EVENT).for_future(reading).await
    }

    /// The events up to and with the first that is as `last` says.
    ///
    /// # Errors
    /// As [`EventStream::wait_for`], after [`DEPLOYMENT`].
    pub async fn until(&mut self, what: &str, last: impl Fn(&Event) -> bool) -> Result<Vec<Event>> {
        let reading = async {
            let mut events = Vec::new();
            loop {
                let event = self.next().await?;
                let end = last(&event);
                events.push(event);
                if end {
                    return Ok(events);
                }
            }
        };
        // Mostly a whole deployment's.
        Wait::that(what.to_owned(), DEPLOYMENT).for_future(reading).await
    }

    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.cut()? {
                return Ok(event);
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) => return Err(self.fault("the stream of events ended")),
                Err(error) => return Err(self.fault("the stream of events broke off").caused_by(error)),
            }
        }
    }

    /// The next whole event of the buffer. An empty line ends one; without a type it is a heartbeat.
    fn cut(&mut self) -> Result<Option<Event>> {
        while let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
            if end == 0 {
                let _ = self.buffer.split_to(2);
                continue;
            }
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(None);
            };
            let block = self.buffer.split_to(end + 4);
            let text = String::from_utf8_lossy(&block);
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let (Some(kind), Some(data)) = (field("event:"), field("data:")) else {
                return Err(self
                    .fault("an event without a type or without data")
                    .evidence(excerpt(&block)));
            };
            let data = serde_json::from_str(data).map_err(|error| {
                self.fault("an event that is not JSON")
                    .caused_by(error)
                    .evidence(excerpt(&block))
            })?;
            let kind = kind.to_owned();
            return Ok(Some(Event { kind, data }));
        }
        Ok(None)
    }

    fn fault(&self, what: &str) -> Error {
        Error::new(Kind::Answer, what).ran(&self.ran)
    }
}
