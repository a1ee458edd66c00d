//! From a task's change to HAProxy: its bridge is told by an event, writes a configuration and has it reloaded.

use std::time::{Duration, Instant};

use harness::client::Http;
use harness::deadlines::NAME_RESOLVED;
use harness::node::NodeName;
use harness::{Cluster, Error, Kind, Result};
use serde_json::json;

use super::apps::{dated, destroy, now, running, server};
use crate::measure::{Entry, Limit};

/// From the status of a task, as its executor dated it, until a request to its service port reaches it.
const CHANGE: Limit = Limit::Median(1.0);
/// Between two requests: far below what is measured.
const PERIOD: Duration = Duration::from_millis(10);
const PORT: u16 = 10_900;

/// Apps that come and go, one after the other; the first does not count.
pub(super) async fn measure(cluster: &Cluster, tasks: u16) -> Result<Vec<Entry>> {
    let client = cluster.marathon();
    let service = cluster.node(NodeName::Haproxy(1))?.http(PORT);
    let mut events = client.events().await?;
    let mut lags = Vec::new();
    for number in 0..=tasks {
        let id = format!("/proxied-{number}");
        client.create(&server(&id).with("ports", json!([PORT]))).await?;
        let runs = running(&mut events, &id).await?;
        until(&service, true).await?;
        let reached = now();
        if number > 0 {
            lags.push((reached - dated(cluster, &runs).await?).max(0.0));
        }
        destroy(&client, &id).await?;
        until(&service, false).await?;
    }
    let entry = Entry::new("haproxy.task-change", lags, Vec::new(), Some(CHANGE));
    Ok(entry.into_iter().collect())
}

/// Waits until the service port answers, or does not.
async fn until(service: &Http, answers: bool) -> Result<()> {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(PERIOD);
    let limit = NAME_RESOLVED.limit();
    while began.elapsed() < limit {
        ticks.tick().await;
        // On a connection of its own: a kept one would stay with the server that it has.
        let request = service.get("").header("connection", "close").within(limit);
        if request.send().await.is_ok_and(|answer| answer.status().is_success()) == answers {
            return Ok(());
        }
    }
    let state = if answers { "no task" } else { "a task" };
    Err(Error::new(
        Kind::Deadline,
        format!("{state} answers on the port {PORT} of HAProxy after {limit:?}"),
    ))
}
