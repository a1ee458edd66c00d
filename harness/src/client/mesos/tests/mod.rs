//! The clients of masters and agents against in-process servers that answer as Mesos 1.11 does.

mod documents;
mod events;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::operator::call;
use super::{AgentClient, FilesClient, MasterClient};
use crate::Kind;
use crate::await_until::Probe;
use crate::client::testing::serve;
use crate::client::{Demand, Resources};
use documents::{AGENT_STATE, CONTAINERS, MASTER_STATE};

fn query(uri: &Uri) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://h{uri}")).expect("a path with a query");
    url.query_pairs().into_owned().collect()
}

/// A master with one agent and one framework.
async fn master() -> MasterClient {
    let router = Router::new()
        .route("/state", get(async || MASTER_STATE))
        .route("/slaves", get(async || MASTER_STATE))
        .route("/health", get(async || ""))
        .route(
            "/version",
            get(async || r#"{"version":"1.11.0","git_sha":"9f69","build_date":"2020-11-20"}"#),
        )
        .route(
            "/flags",
            get(async || r#"{"flags":{"quorum":"1","zk":"zk://h/mesos"}}"#),
        )
        .route(
            "/metrics/snapshot",
            get(async || r#"{"master/elected":1.0,"allocator/x":null}"#),
        )
        .route(
            "/redirect",
            get(async || (StatusCode::TEMPORARY_REDIRECT, [("location", "//10.1.2.11:5050")])),
        )
        .route("/api/v1", post(operator));
    MasterClient::new(&serve(router).await).expect("an address")
}

async fn operator(body: String) -> Result<String, (StatusCode, String)> {
    let asked: Value = serde_json::from_str(&body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let agent = json!({
        "active": true, "deactivated": false, "version": "1.11.0", "pid": "slave(1)@10.1.2.101:5051",
        "agent_info": {"hostname": "10.1.2.101", "port": 5051, "id": {"value": "m-S0"}},
        "total_resources": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4}, "role": "*"}],
    });
    let answer = match asked["type"].as_str().unwrap_or_default() {
        "GET_VERSION" => json!({"type": "GET_VERSION", "get_version": {"version_info": {"version": "1.11.0"}}}),
        "GET_HEALTH" => json!({"type": "GET_HEALTH", "get_health": {"healthy": true}}),
        "GET_FLAGS" => json!({"type": "GET_FLAGS", "get_flags": {"flags": [{"name": "quorum", "value": "1"}]}}),
        "GET_AGENTS" => json!({"type": "GET_AGENTS", "get_agents": {"agents": [agent]}}),
        // Without members the part is an empty object or not there at all.
        "GET_FRAMEWORKS" => json!({"type": "GET_FRAMEWORKS", "get_frameworks": {}}),
        "GET_TASKS" => json!({"type": "GET_TASKS"}),
        "GET_STATE" => json!({"type": "GET_STATE", "get_state": {"get_agents": {"agents": [agent]}}}),
        "GET_MASTER" => json!({"type": "GET_MASTER", "get_master": {
            "master_info": {"id": "m", "ip": 184_681_738, "port": 5050, "address": {"ip": "10.1.2.11", "port": 5050}},
            "start_time": 1.5, "elected_time": 2.5}}),
        "GET_ROLES" => json!({"type": "GET_ROLES", "get_roles": {"roles": [{"name": "*", "weight": 1.0,
            "frameworks": [{"value": "m-0000"}]}]}}),
        "TEARDOWN" if asked["teardown"] == json!({"framework_id": {"value": "m-0000"}}) => return Ok(String::new()),
        "MARK_AGENT_GONE" if asked["mark_agent_gone"]["agent_id"]["value"] == "m-S0" => return Ok(String::new()),
        other => {
            return Err((
                StatusCode::BAD_REQUEST,
                format!("Failed to validate master::Call: {other}"),
            ));
        }
    };
    Ok(answer.to_string())
}

#[tokio::test]
async fn a_masters_documents_read() {
    let master = master().await;
    master.health().await.expect("healthy");
    assert_eq!(master.version().await.expect("a version").version, "1.11.0");
    assert_eq!(master.flags().await.expect("flags")["quorum"], "1");
    assert_eq!(
        master.metrics().await.expect("metrics").len(),
        1,
        "a metric without a number is left out"
    );
    assert_eq!(
        master.leader().await.expect("a redirect").as_deref(),
        Some("http://10.1.2.11:5050")
    );

    let state = master.state().await.expect("a state");
    assert_eq!(state.raw["version"], "1.11.0");
    let agent = state.agent_at("10.1.2.101").expect("the agent");
    assert_eq!(
        agent.resources.to_string(),
        "cpus 4, mem 2929 MB, disk 35164 MB, ports 31000-32000"
    );
    assert_eq!(agent.free().cpus.as_f64(), 3.9);
    assert_eq!(
        (agent.ip(), agent.authority()),
        (Some("10.1.2.101"), Some("10.1.2.101:5051"))
    );
    let framework = state.framework(&"m-0000".into()).expect("the framework");
    assert_eq!(framework.tasks[0].resources, Resources::new(0.1, 32.0));
    assert_eq!(
        master.await_agent("10.1.2.101").await.expect("registered").id.as_str(),
        "m-S0"
    );
}

/// Whoever asks an agent that starts for its metrics may end it.
#[tokio::test]
async fn a_starting_agent_is_not_asked_for_its_metrics() {
    let asked = Arc::new(AtomicBool::new(false));
    let metrics = {
        let asked = asked.clone();
        async move || {
            asked.store(true, Ordering::SeqCst);
            r#"{"slave/registered":1.0}"#
        }
    };
    let starting = Router::new().route("/metrics/snapshot", get(metrics.clone()));
    let agent = AgentClient::new(&serve(starting.clone()).await).expect("an address");
    agent.is_registered().await.expect_err("nobody answers for its health");
    assert!(!asked.load(Ordering::SeqCst));

    let started = starting.route("/health", get(async || ""));
    let agent = AgentClient::new(&serve(started).await).expect("an address");
    assert!(agent.is_registered().await.expect("it answers"));
}

#[tokio::test]
async fn the_operator_api_reads() {
    let master = master().await;
    assert_eq!(master.get_version().await.expect("a version").version, "1.11.0");
    assert!(master.get_health().await.expect("health"));
    assert_eq!(master.get_flags().await.expect("flags")["quorum"], "1");
    let agents = master.get_agents().await.expect("agents").agents;
    assert_eq!(agents[0].total_resources.unreserved.cpus.as_f64(), 4.0);
    assert!(master.get_frameworks().await.expect("frameworks").frameworks.is_empty());
    assert!(master.get_tasks().await.expect("tasks").tasks.is_empty());
    assert_eq!(master.get_state().await.expect("a state").get_agents.agents.len(), 1);
    assert_eq!(master.get_master().await.expect("a master").master_info.port, 5050);
    assert_eq!(
        master.get_roles().await.expect("roles")[0].frameworks[0].as_str(),
        "m-0000"
    );
    master.teardown(&"m-0000".into()).await.expect("accepted");
    master.mark_agent_gone(&"m-S0".into()).await.expect("accepted");
    assert_eq!(
        master
            .operator_call(&call("GET_HEALTH", None))
            .await
            .expect("a document")["get_health"]["healthy"],
        true
    );
}

#[tokio::test]
async fn a_refused_call_says_why() {
    let error = master()
        .await
        .mark_agent_gone(&"other".into())
        .await
        .expect_err("there is no such agent");
    assert_eq!(error.kind(), Kind::Answer);
    assert!(error.explain().contains("Failed to validate master::Call"), "{error:?}");
    assert!(
        error.explain().contains("MARK_AGENT_GONE"),
        "the curl line holds the call: {error:?}"
    );
}

#[tokio::test]
async fn the_masters_agents_are_held_against_a_demand() {
    let demand = Demand::from(Resources::new(8.0, 32.0));
    let shortfall = master().await.shortfall(&demand, "*", &[]).await.expect("agents");
    assert_eq!(
        shortfall.to_string(),
        "no agent can ever run it: asks for cpus 8, the most any agent has is 4 (short by 4 on 10.1.2.101)"
    );
}

#[tokio::test]
async fn a_master_without_a_leader_has_none() {
    let router = Router::new().route(
        "/redirect",
        get(async || (StatusCode::SERVICE_UNAVAILABLE, "No leader elected")),
    );
    let master = MasterClient::new(&serve(router).await).expect("an address");
    assert_eq!(master.leader().await.expect("an answer"), None);
    assert!(matches!(Probe::from_passing(master.leader().await, "none"), Probe::NotYet(reason) if reason == "none"));
}

async fn agent() -> AgentClient {
    let router = Router::new()
        .route("/state", get(async || AGENT_STATE))
        .route("/containers", get(async || CONTAINERS))
        .route(
            "/api/v1",
            post(async |body: String| {
                assert_eq!(
                    body,
                    r#"{"type":"GET_CONTAINERS","get_containers":{"show_nested":true,"show_standalone":true}}"#
                );
                json!({"type": "GET_CONTAINERS", "get_containers": {"containers": [
                    {"container_id": {"value": "b", "parent": {"value": "a"}}, "framework_id": {"value": "m-0"}}]}})
                .to_string()
            }),
        );
    AgentClient::new(&serve(router).await).expect("an address")
}

#[tokio::test]
async fn an_agents_documents_read() {
    let agent = agent().await;
    let state = agent.state().await.expect("a state");
    assert_eq!(state.id.as_str(), "m-S0");
    let (framework, other) = ("m-0000".into(), "m-0001".into());
    let of = |task: &str| {
        state
            .sandbox(&framework, &task.into())
            .map(|path| path.rsplit('/').next().expect("a part"))
    };
    assert_eq!(of("running"), Some("run-1"));
    assert_eq!(of("waiting"), Some("run-2"));
    assert_eq!(of("done"), Some("run-3"));
    assert_eq!(
        of("gone"),
        Some("run-4"),
        "by the executor's name, its tasks being forgotten"
    );
    assert_eq!(of("never"), None);
    assert_eq!(state.sandbox(&other, &"running".into()), None);

    let containers = agent.containers().await.expect("containers");
    assert_eq!(containers[0].container_id.to_string(), "c-1");
    assert_eq!(
        containers[0].status.as_ref().and_then(|status| status.executor_pid),
        Some(71)
    );
    assert_eq!(
        agent.get_containers().await.expect("containers")[0]
            .container_id
            .to_string(),
        "a.b"
    );
    assert_eq!(
        agent
            .sandbox(&framework, &"running".into())
            .await
            .expect("a sandbox")
            .path("stdout"),
        "/work/slaves/m-S0/frameworks/m-0000/executors/running/runs/run-1/stdout"
    );
}

/// Serves one file as `src/files/files.cpp` does, the size for offset -1; the client reads `page` bytes at once.
async fn files(content: &'static [u8], page: u64) -> FilesClient {
    let read = async move |uri: Uri| {
        let query = query(&uri);
        if query["path"] != "/sandbox/stdout" {
            return Err(StatusCode::NOT_FOUND);
        }
        let offset: i64 = query["offset"].parse().map_err(|_| StatusCode::BAD_REQUEST)?;
        let Ok(offset) = usize::try_from(offset) else {
            return Ok(format!(r#"{{"offset":{},"data":""}}"#, content.len()).into_bytes());
        };
        let length: usize = query["length"].parse().map_err(|_| StatusCode::BAD_REQUEST)?;
        let part = &content[offset.min(content.len())..(offset + length).min(content.len())];
        // Bytes go into the JSON string as they are, a cut character included.
        Ok([format!(r#"{{"offset":{offset},"data":""#).as_bytes(), part, b"\"}"].concat())
    };
    let listing = r#"[
        {"gid":"root","mode":"-rwxr-xr-x","mtime":1.0,"nlink":1,"path":"/sandbox/run.sh","size":9,"uid":"root"},
        {"gid":"root","mode":"drwx------","mtime":1.5,"nlink":2,"path":"/sandbox/tmp","size":4096,"uid":"nobody"}
    ]"#;
    let router = Router::new()
        .route("/files/read", get(read))
        .route("/files/download", get(async move || content))
        .route("/files/browse", get(async move || listing))
        .route("/files/debug", get(async || r#"{"/sandbox":"/work/run"}"#));
    FilesClient::new(&serve(router).await)
        .expect("an address")
        .with_page(page)
}

#[tokio::test]
async fn a_file_is_read_page_by_page() {
    let text = "grüße aus dem Ärmelkanal";
    for page in 4..=text.len() as u64 + 1 {
        let files = files(text.as_bytes(), page).await;
        assert_eq!(files.size("/sandbox/stdout").await.expect("a size"), text.len() as u64);
        assert_eq!(
            files.read_all("/sandbox/stdout").await.expect("text"),
            text,
            "pages of {page} bytes"
        );
    }
    let files = files(text.as_bytes(), 64).await;
    assert_eq!(files.read("/sandbox/stdout", 0, 2).await.expect("a part").data, "gr");
    assert_eq!(
        files
            .read("/sandbox/stdout", 1000, 10)
            .await
            .expect("past the end")
            .data,
        ""
    );
    assert_eq!(files.download("/sandbox/stdout").await.expect("bytes"), text.as_bytes());
    let missing = files.read_all("/sandbox/stderr").await.expect_err("there is none");
    assert!(missing.to_string().contains("404"), "{missing}");
}

#[tokio::test]
async fn a_directory_lists() {
    let files = files(b"", 64).await;
    let entries = files.browse("/sandbox").await.expect("entries");
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.name(), entry.is_directory(), entry.is_executable()))
        .collect();
    assert_eq!(told, [("run.sh", false, true), ("tmp", true, true)]);
    assert_eq!(files.debug().await.expect("paths")["/sandbox"], "/work/run");
    assert_eq!(files.read_all("/sandbox/stdout").await.expect("nothing"), "");
}
