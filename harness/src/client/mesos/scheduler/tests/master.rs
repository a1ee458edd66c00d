//! An in-process master for one framework.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream::StreamExt;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::await_until::{Probe, Wait, changes};
use crate::client::mesos::scheduler::{Framework, FrameworkSpec};
use crate::client::recordio::encode;
use crate::client::testing::serve;
use crate::deadlines::Deadline;

pub(super) const LONG: Deadline = Deadline::custom("LONG", Duration::from_secs(10));

#[derive(Clone)]
pub(super) struct Master {
    pub(super) base: String,
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    calls: watch::Sender<Vec<Value>>,
    pub(super) stream: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    /// What a call of a type is answered with, instead of 202.
    refusals: Mutex<BTreeMap<String, (StatusCode, String)>>,
    /// The type of call that is not answered for now.
    held: watch::Sender<Option<&'static str>>,
}

impl Master {
    pub(super) async fn start() -> Master {
        let inner = Arc::new(Inner {
            calls: watch::Sender::new(Vec::new()),
            stream: Mutex::new(None),
            refusals: Mutex::new(BTreeMap::new()),
            held: watch::Sender::new(None),
        });
        let router = Router::new()
            .route("/api/v1/scheduler", post(scheduler))
            .route("/slaves", get(async || SLAVES))
            .with_state(inner.clone());
        Master {
            base: serve(router).await,
            inner,
        }
    }

    pub(super) async fn framework(&self) -> Framework {
        Framework::subscribe(&self.base, FrameworkSpec::new("test"))
            .await
            .expect("the master takes it")
    }

    pub(super) fn send(&self, event: &Value) {
        let stream = self.inner.stream.lock().expect("no panic");
        let stream = stream.as_ref().expect("a framework is subscribed");
        stream
            .send(encode(event.to_string().as_bytes()))
            .expect("the stream is open");
    }

    pub(super) fn offer(&self, id: &str, agent: &str, cpus: f64) {
        self.send(&json!({"type": "OFFERS", "offers": {"offers": [{
        "id": {"value": id}, "agent_id": {"value": agent}, "framework_id": {"value": "m-0000"},
        "hostname": format!("host-{agent}"), "allocation_info": {"role": "*"},
        "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}, "role": "*"},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 1024}, "role": "*"},
            {"name": "disk", "type": "SCALAR", "scalar": {"value": 1024}, "role": "*"},
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 32000}]}},
        ]}]}}));
    }

    pub(super) fn update(&self, task: &str, state: &str, uuid: Option<&str>) {
        let mut status = json!({"task_id": {"value": task}, "state": state, "agent_id": {"value": "S0"},
            "message": "as the test says", "source": "SOURCE_EXECUTOR"});
        if let Some(uuid) = uuid {
            status["uuid"] = uuid.into();
        }
        self.send(&json!({"type": "UPDATE", "update": {"status": status}}));
    }

    /// Ends the stream.
    pub(super) fn hang_up(&self) {
        self.inner.stream.lock().expect("no panic").take();
    }

    /// As a master that dies while it is asked.
    pub(super) fn hang_up_after_teardown(&self) {
        let (master, mut calls) = (self.clone(), self.inner.calls.subscribe());
        tokio::spawn(async move {
            calls
                .wait_for(|calls| calls.iter().any(|call| call["type"] == "TEARDOWN"))
                .await
                .expect("the call");
            master.hang_up();
        });
    }

    /// Answers calls of a type only after the next `hold_back`.
    pub(super) fn hold_back(&self, kind: Option<&'static str>) {
        self.inner.held.send_replace(kind);
    }

    pub(super) fn refuse(&self, kind: &str, status: StatusCode, body: &str) {
        self.inner
            .refusals
            .lock()
            .expect("no panic")
            .insert(kind.to_owned(), (status, body.to_owned()));
    }

    pub(super) fn calls(&self, kind: &str) -> Vec<Value> {
        self.inner
            .calls
            .borrow()
            .iter()
            .filter(|call| call["type"] == kind)
            .cloned()
            .collect()
    }

    /// Waits for the `count`th call of a type.
    pub(super) async fn call(&self, kind: &str, count: usize) -> Value {
        Wait::that(format!("{count} calls of the type {kind} come"), LONG)
            .woken_by(changes(self.inner.calls.subscribe()))
            .until(async || match self.calls(kind).get(count - 1) {
                Some(call) => Probe::Ready(call.clone()),
                None => Probe::NotYet(format!("calls so far: {:?}", self.inner.calls.borrow())),
            })
            .await
            .expect("the call comes")
    }
}

const SLAVES: &str = r#"{"slaves": [{
    "id": "S0", "hostname": "host-S0", "port": 5051, "pid": "slave(1)@10.1.2.101:5051", "active": true,
    "version": "1.11.0", "registered_time": 1.0, "resources": {"cpus": 4.0, "mem": 1024.0},
    "used_resources": {"cpus": 0.0}, "offered_resources": {}, "unreserved_resources": {"cpus": 4.0, "mem": 1024.0}}]}"#;

async fn scheduler(State(master): State<Arc<Inner>>, headers: HeaderMap, body: String) -> Response {
    let call: Value = serde_json::from_str(&body).expect("calls are JSON");
    let kind = call["type"].as_str().expect("calls have a type").to_owned();
    master.calls.send_modify(|calls| calls.push(call));
    let mut held = master.held.subscribe();
    held.wait_for(|held| held.is_none_or(|held| held != kind))
        .await
        .expect("the master lives");
    if let Some((status, body)) = master.refusals.lock().expect("no panic").get(&kind) {
        return (*status, body.clone()).into_response();
    }
    if kind != "SUBSCRIBE" {
        if headers.get("mesos-stream-id").is_none_or(|id| id != "stream-1") {
            return (StatusCode::BAD_REQUEST, "the stream id does not match").into_response();
        }
        if kind == "TEARDOWN" {
            master.stream.lock().expect("no panic").take();
        }
        return StatusCode::ACCEPTED.into_response();
    }
    assert!(!headers.contains_key("mesos-stream-id"), "a SUBSCRIBE has no stream id");
    let (sender, receiver) = mpsc::unbounded_channel();
    let subscribed = json!({"type": "SUBSCRIBED", "subscribed": {
        "framework_id": {"value": "m-0000"}, "heartbeat_interval_seconds": 15.0}});
    sender
        .send(encode(subscribed.to_string().as_bytes()))
        .expect("the receiver is here");
    *master.stream.lock().expect("no panic") = Some(sender);
    let stream = futures_util::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let body = Body::from_stream(stream.map(Ok::<_, std::io::Error>));
    (
        [("content-type", "application/json"), ("mesos-stream-id", "stream-1")],
        body,
    )
        .into_response()
}
