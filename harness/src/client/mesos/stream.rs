//! An event stream of the v1 APIs: RecordIO over one answer that does not end.

use std::time::Duration;

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::http::{excerpt, media_type, root_cause};
use crate::client::recordio::{Decoder, RecordError};
use crate::client::{Http, Request};
use crate::deadlines::HTTP_REQUEST;
use crate::{Error, Kind, Result};

/// The largest event: the state of a cluster far larger than ours.
const RECORD_LIMIT: usize = 64 * 1024 * 1024;
/// How many heartbeats may be missed before silence is an error.
const MISSED_HEARTBEATS: f64 = 3.0;

/// What opening a stream can come to: the callers differ in what they do about a redirect.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The server streams.
    Stream(Box<EventStream>),
    /// It answered with another status, and this `Location` if any.
    Refused {
        /// The status code.
        status: StatusCode,
        /// Where it sends us.
        location: Option<String>,
        /// The answer as an error.
        error: Error,
    },
}

/// Reads events one by one; silence beyond the heartbeat is an error.
#[derive(Debug)]
pub(crate) struct EventStream {
    response: reqwest::Response,
    decoder: Decoder,
    silence: Duration,
    ran: String,
}

impl EventStream {
    /// Sends `request`, which asks for a stream of JSON records.
    pub(crate) async fn open(request: Request) -> Result<Opened> {
        let (response, ran) = request.open().await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Ok(refused(response, ran).await);
        }
        let found = media_type(response.headers());
        if found != "application/json" && found != "application/recordio" {
            return Err(Error::new(Kind::Answer, format!("the stream is of the type `{found}`"))
                .expected("a RecordIO stream of JSON documents")
                .ran(ran));
        }
        Ok(Opened::Stream(Box::new(EventStream {
            response,
            decoder: Decoder::new(RECORD_LIMIT),
            silence: HTTP_REQUEST.limit(),
            ran,
        })))
    }

    /// Subscribes with `call`, following the leader.
    pub(crate) async fn subscribe(http: &Http, path: &str, call: &Value) -> Result<Self> {
        match EventStream::open(http.post_json(path, call)).await? {
            Opened::Stream(stream) => Ok(*stream),
            Opened::Refused { error, .. } => Err(error),
        }
    }

    /// Takes the server's heartbeat interval as the measure of silence.
    pub(crate) fn expect_heartbeat(&mut self, interval_seconds: f64) {
        let bound = Duration::try_from_secs_f64(interval_seconds * MISSED_HEARTBEATS).unwrap_or(Duration::MAX);
        self.silence = bound.max(HTTP_REQUEST.limit());
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The command line that opens the stream.
    pub(crate) fn ran(&self) -> &str {
        &self.ran
    }

    /// The next event, or nothing when the server ended the stream between two events.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after silence, [`Kind::Answer`] when the stream breaks off or is not what it should be.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(record) = self.decoder.pop() {
                let event = serde_json::from_slice(&record).map_err(|error| {
                    self.fault("an event could not be read")
                        .caused_by(error)
                        .evidence(excerpt(&record))
                })?;
                return Ok(Some(event));
            }
            let chunk = tokio::time::timeout(self.silence, self.response.chunk())
                .await
                .map_err(|_| {
                    Error::new(
                        Kind::Deadline,
                        format!("the stream was silent for {:.1?}", self.silence),
                    )
                    .expected("an event or a heartbeat")
                    .ran(&self.ran)
                })?;
            match chunk {
                Ok(Some(bytes)) => self.decoder.push(&bytes).map_err(|error| self.not_recordio(error))?,
                Ok(None) => {
                    self.decoder.finish().map_err(|error| self.not_recordio(error))?;
                    return Ok(None);
                }
                Err(error) => return Err(self.fault(&format!("the stream broke off: {}", root_cause(&error)))),
            }
        }
    }

    fn not_recordio(&self, error: RecordError) -> Error {
        self.fault("the stream is not RecordIO").caused_by(error)
    }

    pub(super) fn fault(&self, summary: &str) -> Error {
        Error::new(Kind::Answer, summary).ran(&self.ran)
    }
}

async fn refused(response: reqwest::Response, ran: String) -> Opened {
    let status = response.status();
    let location = response
        .headers()
        .get("location")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let body = tokio::time::timeout(HTTP_REQUEST.limit(), response.bytes()).await;
    let body = body.ok().and_then(std::result::Result::ok).unwrap_or_default();
    let error = Error::new(Kind::Answer, format!("answered {status} instead of an event stream"))
        .answered(status.as_u16())
        .expected("the status 200 OK and a stream of events")
        .ran(ran)
        .evidence(excerpt(&body));
    Opened::Refused {
        status,
        location,
        error,
    }
}
