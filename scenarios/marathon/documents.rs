//! The documents of the API, as a whole.

use harness::client::http::Method;
use harness::client::marathon::AppSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SLEEPS, cluster};
use crate::fixtures::has_known_shapes;
use crate::redactions::assert_document;

/// One app that runs, and one that waits.
#[rstest]
#[tokio::test]
async fn are_what_clients_read(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let mut events = marathon.events().await?;
    let ports = json!([{ "port": 10_100, "name": "http", "labels": { "VIP_0": "web:80" } }]);
    let check = json!({ "protocol": "COMMAND", "command": { "value": "true" }, "intervalSeconds": 1 });
    let web = AppSpec::command("/shop/web", SLEEPS)
        .with("portDefinitions", ports)
        .with("healthChecks", json!([check]))
        .with("env", json!({ "COLOUR": "blue" }))
        .with("labels", json!({ "tier": "front" }));
    let app = marathon.run(&web).await?;
    let runs = events
        .wait_for("the task runs", |event| event.kind == "status_update_event")
        .await?;
    let large = AppSpec::command("/shop/large", SLEEPS).resources(1000.0, 32.0);
    let started = marathon.create(&large).await?;
    marathon
        .await_queued("/shop/large", "an offer was looked at", |item| {
            !item.reasons().is_empty()
        })
        .await?;

    check!(runs.data["taskId"] == app.tasks[0].id.as_str());
    let deployments = marathon.deployments().await?;
    check!(deployments.len() == 1 && deployments[0].id == started.deployment_id);
    for (name, path) in [
        ("info", "v2/info"),
        ("app", "v2/apps//shop/web"),
        ("tasks", "v2/tasks"),
        ("group", "v2/groups//shop"),
        ("versions", "v2/apps//shop/web/versions"),
        ("deployments", "v2/deployments"),
        ("queue", "v2/queue"),
        ("leader", "v2/leader"),
    ] {
        let document: Value = marathon.ask(Method::GET, path, None).await?.ok()?.json_of_any()?;
        check!(!document.is_null(), "{path} is a document");
        if has_known_shapes() {
            assert_document(&cluster, "marathon", name, &document);
        }
    }
    if has_known_shapes() {
        assert_document(&cluster, "marathon", "status-update-event", &runs.data);
    }
    cluster.finish().await
}
