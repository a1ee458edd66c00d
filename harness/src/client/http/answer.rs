//! Whole answers, and what they must be.

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::excerpt;
use crate::{Error, Kind, Result};

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    ran: String,
}

impl Answer {
    pub(super) fn new(status: StatusCode, headers: HeaderMap, body: Bytes, ran: String) -> Self {
        Answer {
            status,
            headers,
            body,
            ran,
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A header's value, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text, invalid UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The command line that repeats the request.
    #[must_use]
    pub fn ran(&self) -> &str {
        &self.ran
    }

    /// This answer as an error: what was asked, what came back.
    #[must_use]
    pub fn unexpected(&self, expected: impl Into<String>) -> Error {
        Error::new(Kind::Answer, format!("answered {}", self.status))
            .answered(self.status.as_u16())
            .expected(expected)
            .ran(&self.ran)
            .evidence(excerpt(&self.body))
    }

    /// The answer itself when its status is one of `allowed`.
    ///
    /// # Errors
    /// [`Kind::Answer`] otherwise.
    pub fn expect(self, allowed: &[StatusCode]) -> Result<Self> {
        if allowed.contains(&self.status) {
            return Ok(self);
        }
        let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        Err(self.unexpected(format!("the status {}", names.join(" or "))))
    }

    /// The answer itself when its status is 200.
    ///
    /// # Errors
    /// [`Kind::Answer`] otherwise.
    pub fn ok(self) -> Result<Self> {
        self.expect(&[StatusCode::OK])
    }

    /// The body, decoded from JSON; the status must be 200.
    ///
    /// # Errors
    /// [`Kind::Answer`] for another status, or a body of another shape.
    pub fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.ok()?.json_of_any()
    }

    /// The body, decoded from JSON, whatever the status is.
    ///
    /// # Errors
    /// [`Kind::Answer`] for a body of another shape.
    pub fn json_of_any<T: DeserializeOwned>(self) -> Result<T> {
        let answer = self;
        serde_json::from_slice(&answer.body).map_err(|error| {
            answer
                .unexpected(format!("a JSON document that reads as {}", std::any::type_name::<T>()))
                .caused_by(error)
        })
    }
}

/// A document as a type, and as it came: the second is what snapshots compare.
#[derive(Clone, Debug)]
pub struct Document<T> {
    /// The fields that the harness knows.
    pub typed: T,
    /// The whole document.
    pub raw: Value,
}

impl<T> std::ops::Deref for Document<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.typed
    }
}

impl<T: DeserializeOwned> Document<T> {
    /// Reads both from one answer.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub fn read(answer: Answer) -> Result<Self> {
        let raw: Value = answer.clone().json()?;
        Ok(Document {
            typed: answer.json()?,
            raw,
        })
    }
}
