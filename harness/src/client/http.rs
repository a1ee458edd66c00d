//! The HTTP plumbing under every client: one deadline, one error shape, redirects followed only where asked for.

mod answer;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use serde_json::Value;

use crate::deadlines::HTTP_REQUEST;
use crate::{Error, Kind, Result};

pub use answer::{Answer, Document};
pub use reqwest::{Method, StatusCode};

/// How much of an unexpected body an error shows.
const SHOWN: usize = 2048;
/// The largest body that is read into memory.
const BODY_LIMIT: usize = 128 * 1024 * 1024;
/// How often one request follows a redirect: to a leader, and once more if that lost an election meanwhile.
const REDIRECTS: usize = 3;

/// A server, by its base address.
#[derive(Clone, Debug)]
pub struct Http {
    base: Url,
    client: reqwest::Client,
    authorization: Option<String>,
}

impl Http {
    /// `base` is `http://host:port`, with or without a path; without a scheme it is taken as `http://`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when `base` is not such an address.
    pub fn new(base: &str) -> Result<Self> {
        let text = if base.contains("://") {
            base.to_owned()
        } else {
            format!("http://{base}")
        };
        let mut url = Url::parse(&text)
            .map_err(|error| Error::usage(format!("`{base}` is not the address of a server")).caused_by(error))?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(Error::usage(format!("`{base}` is not an http address with a host")));
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Http {
            base: url,
            client: client()?,
            authorization: None,
        })
    }

    /// The address all paths are relative to, with a trailing slash.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// `host:port` of the server.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("{host}:{}", self.base.port_or_known_default().unwrap_or(80))
    }

    /// A GET of `path`, relative to the base; a leading slash is dropped.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// A POST of a JSON document.
    pub fn post_json(&self, path: &str, body: &Value) -> Request {
        self.request(Method::POST, path).json(body)
    }

    /// A POST of a JSON document that is answered with RecordIO of JSON documents.
    pub fn post_for_records(&self, path: &str, body: &Value) -> Request {
        let mut request = self.request(Method::POST, path);
        request.body = Some(body.to_string());
        request
            .header("content-type", "application/json")
            .header("accept", "application/recordio")
            .header("message-accept", "application/json")
    }

    /// A POST of JSON documents in RecordIO.
    pub fn post_records(&self, path: &str, records: &[Value]) -> Request {
        let mut request = self.request(Method::POST, path);
        let records = records.iter().map(Value::to_string);
        request.body = Some(records.map(|record| format!("{}\n{record}", record.len())).collect());
        request
            .header("content-type", "application/recordio")
            .header("message-content-type", "application/json")
            .header("accept", "application/json")
    }

    /// Says who it is in every request, by HTTP's basic scheme.
    #[must_use]
    pub fn credential(mut self, principal: &str, secret: &str) -> Self {
        self.authorization = Some(format!("Basic {}", STANDARD.encode(format!("{principal}:{secret}"))));
        self
    }

    /// The header `Authorization`, where it has one.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The same one who asks, at another server.
    pub(crate) fn at(&self, base: &str) -> Result<Self> {
        Ok(Http {
            authorization: self.authorization.clone(),
            ..Http::new(base)?
        })
    }

    /// Any other request.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path(), path.trim_start_matches('/')));
        Request {
            client: self.client.clone(),
            method,
            url,
            headers: self
                .authorization
                .iter()
                .map(|own| ("authorization", own.clone()))
                .collect(),
            body: None,
            redirects: REDIRECTS,
            limit: None,
        }
    }
}

fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // Clusters are on private addresses: a proxy of the environment would only be in the way.
        .no_proxy()
        .build()
        .map_err(|error| Error::internal("could not make an HTTP client").caused_by(error))
}

/// One request, before it is sent.
#[derive(Clone, Debug)]
#[must_use]
pub struct Request {
    client: reqwest::Client,
    method: Method,
    url: Url,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    redirects: usize,
    limit: Option<Duration>,
}

impl Request {
    /// Adds one `name=value` to the query.
    pub fn query(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Gives it a JSON document, and asks for one.
    pub fn json(self, body: &Value) -> Self {
        self.json_text(body.to_string())
    }

    /// Gives it a text as its JSON body, whether it is JSON or not.
    pub fn json_text(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", "application/json")
            .header("accept", "application/json")
    }

    /// Gives it any text as its body; what it is, a header says.
    pub fn body(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Hands a redirect to the caller instead of following it.
    pub fn without_redirects(mut self) -> Self {
        self.redirects = 0;
        self
    }

    /// Bounds this request otherwise than [`HTTP_REQUEST`] does.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The command line that repeats the request.
    #[must_use]
    pub fn curl(&self) -> String {
        let mut line = String::from("curl -sS");
        if self.redirects > 0 {
            line.push_str(" -L");
        }
        if self.method != Method::GET {
            line.push_str(&format!(" -X {}", self.method));
        }
        for (name, value) in &self.headers {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
        }
        if let Some(body) = &self.body {
            line.push_str(&format!(" -d {}", quoted(body)));
        }
        format!("{line} {}", quoted(self.url.as_str()))
    }

    fn limit(&self) -> Duration {
        self.limit.unwrap_or_else(|| HTTP_REQUEST.limit())
    }

    /// Sends it and reads the whole answer, whatever its status is.
    ///
    /// # Errors
    /// [`Kind::Deadline`] when it takes too long, [`Kind::Component`] when nothing answers,
    /// [`Kind::Answer`] when what answers breaks off or never ends.
    pub async fn send(self) -> Result<Answer> {
        let limit = self.limit();
        let ran = self.curl();
        let whole = async {
            let mut response = self.send_once().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| broken(&ran, error))? {
                if body.len() + chunk.len() > BODY_LIMIT {
                    return Err(
                        Error::new(Kind::Answer, format!("the answer is larger than {BODY_LIMIT} bytes"))
                            .ran(ran.clone()),
                    );
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Answer::new(status, headers, body.freeze(), ran.clone()))
        };
        tokio::time::timeout(limit, whole)
            .await
            .unwrap_or_else(|_| Err(too_late(&ran, limit, "the whole answer")))
    }

    /// Sends it and returns once the headers are there; the body is the caller's to read and to bound.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub async fn open(self) -> Result<(reqwest::Response, String)> {
        let limit = self.limit();
        let ran = self.curl();
        let response = tokio::time::timeout(limit, self.send_once())
            .await
            .unwrap_or_else(|_| Err(too_late(&ran, limit, "the headers of an answer")))?;
        Ok((response, ran))
    }

    /// Follows up to `redirects` temporary redirects, keeping method and body.
    async fn send_once(&self) -> Result<reqwest::Response> {
        let mut url = self.url.clone();
        let mut left = self.redirects;
        loop {
            let mut builder = self.client.request(self.method.clone(), url.clone());
            for (name, value) in &self.headers {
                builder = builder.header(*name, value);
            }
            if let Some(body) = &self.body {
                builder = builder.body(body.clone());
            }
            let response = builder.send().await.map_err(|error| {
                Error::new(
                    Kind::Component,
                    format!("{} {url} got no answer: {}", self.method, root_cause(&error)),
                )
                .ran(self.curl())
            })?;
            match location(&response) {
                Some(next) if left > 0 => {
                    left -= 1;
                    url = next;
                }
                _ => return Ok(response),
            }
        }
    }
}

/// Where a 307 or 308 points to. Mesos sends `//host:port/path`, without a scheme.
fn location(response: &reqwest::Response) -> Option<Url> {
    let status = response.status();
    if status != StatusCode::TEMPORARY_REDIRECT && status != StatusCode::PERMANENT_REDIRECT {
        return None;
    }
    response
        .url()
        .join(response.headers().get(LOCATION)?.to_str().ok()?)
        .ok()
}

fn too_late(ran: &str, limit: Duration, what: &str) -> Error {
    Error::new(Kind::Deadline, format!("no answer within {limit:.1?}"))
        .expected(format!("{what} within {limit:.1?} ({})", HTTP_REQUEST.name))
        .ran(ran)
}

fn broken(ran: &str, error: reqwest::Error) -> Error {
    Error::new(Kind::Answer, format!("the answer broke off: {}", root_cause(&error))).ran(ran)
}

/// The innermost error: reqwest's own text names only the address, which the error carries already.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// One argument of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The first [`SHOWN`] bytes of a body, as text.
pub(crate) fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "the body is empty".to_owned();
    }
    let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    if body.len() > SHOWN {
        format!("{shown}… ({} bytes in all)", body.len())
    } else {
        shown.into_owned()
    }
}

/// The media type without parameters, for the one place where a stream says what it is.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let first = value.unwrap_or_default().split(';').next().unwrap_or_default();
    first.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
