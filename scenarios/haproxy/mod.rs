//! HAProxy, and its bridge from Marathon.

mod bridge;
mod fake_marathon;

use harness::await_until::{Probe, Wait};
use harness::client::Http;
use harness::component::haproxy;
use harness::node::{Node, NodeName};
use harness::{Cluster, Result, deadlines};

/// The node that HAProxy has for itself.
fn node(cluster: &Cluster) -> Result<&Node> {
    cluster.node(NodeName::Haproxy(1))
}

/// One request on a connection of its own: a kept one would stay with the server that it has.
async fn ask(cluster: &Cluster, port: u16) -> Result<String> {
    let http = node(cluster)?.http(port);
    Ok(http.get("").header("connection", "close").send().await?.ok()?.text())
}

/// Waits until a request to `port` is answered by `expected`.
async fn await_answer(cluster: &Cluster, port: u16, expected: &str) -> Result<()> {
    Wait::that(
        format!("{expected} answers on the port {port} of haproxy1"),
        deadlines::HTTP_REQUEST,
    )
    .explained_by(async {
        let tail = match node(cluster) {
            Ok(node) => node.logs(haproxy::NAME, 30).await,
            Err(error) => Err(error),
        };
        vec![format!("HAProxy's log:\n{}", tail.unwrap_or_default())]
    })
    .until(async || match ask(cluster, port).await {
        Ok(text) if text == expected => Probe::Ready(()),
        Ok(text) => Probe::NotYet(format!("{text} answers")),
        Err(error) => Probe::NotYet(error.to_string()),
    })
    .await
}

/// The statistics, as who may see them does.
fn statistics(cluster: &Cluster) -> Result<Http> {
    let (user, password) = haproxy::STATISTICS;
    Ok(node(cluster)?.http(haproxy::PORT).credential(user, password))
}
