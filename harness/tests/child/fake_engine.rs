//! An engine on a Unix socket that answers as a test says: old, full, without a free subnet. It makes nothing.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What it says of itself.
pub(crate) struct Says {
    /// The API version of `/version`.
    pub(crate) api: &'static str,
    /// `DockerRootDir` of `/info`.
    pub(crate) data_root: &'static str,
    /// What `/networks` lists.
    pub(crate) networks: Value,
}

impl Default for Says {
    fn default() -> Self {
        Says {
            api: "1.41",
            data_root: "/nonexistent",
            networks: json!([]),
        }
    }
}

pub(crate) struct FakeEngine {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    pub(crate) fn start(says: Says) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let state = (Arc::new(says), asked.clone());
        let router = Router::new().fallback(answer).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        FakeEngine { folder, asked }
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.path().join("engine.sock").display())
    }

    /// The requests that would have changed something.
    pub(crate) fn changes(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|line| !line.starts_with("GET")).cloned().collect()
    }
}

type Shared = (Arc<Says>, Arc<Mutex<Vec<String>>>);

async fn answer(State((says, asked)): State<Shared>, method: Method, uri: Uri) -> Response {
    let path = uri.path();
    // Clients may put the API's version first.
    let path = match path.trim_start_matches('/').split_once('/') {
        Some((version, rest)) if version.starts_with("v1.") => format!("/{rest}"),
        _ => path.to_owned(),
    };
    asked.lock().unwrap().push(format!("{method} {path}"));
    let filtered = uri.query().is_some_and(|query| query.contains("filters="));
    let found = match (method.as_str(), path.as_str()) {
        ("GET", "/version") => json!({ "Version": "0.0.1-fake", "ApiVersion": says.api, "MinAPIVersion": "1.12" }),
        ("GET", "/info") => json!({ "DockerRootDir": says.data_root, "MemTotal": 8_u64 << 30 }),
        ("GET", "/networks") if !filtered => says.networks.clone(),
        ("GET", "/networks" | "/containers/json" | "/images/json") => json!([]),
        ("GET", "/volumes") => json!({ "Volumes": [] }),
        ("POST", "/networks/create") => return refusal(StatusCode::FORBIDDEN, "Pool overlaps with other one"),
        _ => return refusal(StatusCode::NOT_FOUND, "no such object"),
    };
    answered(StatusCode::OK, &found)
}

fn refusal(status: StatusCode, message: &str) -> Response {
    answered(status, &json!({ "message": message }))
}

fn answered(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
