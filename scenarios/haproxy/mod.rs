//! HAProxy, and its bridge from Marathon.

mod bridge;
mod fake_marathon;
mod services;

use harness::await_until::{Probe, Wait};
use harness::client::Http;
use harness::component::haproxy;
use harness::docker::exec::ExecSpec;
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
    await_any(cluster, port, &[expected.to_owned()]).await.map(drop)
}

/// Waits until a request to `port` is answered by one of `expected`, and says which.
async fn await_any(cluster: &Cluster, port: u16, expected: &[String]) -> Result<String> {
    Wait::that(
        format!("{expected:?} answers on the port {port} of haproxy1"),
        deadlines::TASK_STATE,
    )
    .explained_by(async {
        let tail = match node(cluster) {
            Ok(node) => node.logs(haproxy::NAME, 30).await,
            Err(error) => Err(error),
        };
        vec![format!("HAProxy's log:\n{}", tail.unwrap_or_default())]
    })
    .until(async || match ask(cluster, port).await {
        Ok(text) if expected.contains(&text) => Probe::Ready(text),
        Ok(text) => Probe::NotYet(format!("{text} answers")),
        Err(error) => Probe::NotYet(error.to_string()),
    })
    .await
}

/// Waits until HAProxy's configuration has so many servers of `section`.
async fn await_servers(cluster: &Cluster, section: &str, count: usize) -> Result<()> {
    let node = node(cluster)?;
    Wait::that(
        format!("HAProxy has {count} servers of {section}"),
        deadlines::TASK_STATE,
    )
    .until(async || {
        let cat = ExecSpec::new(["cat", haproxy::CONFIG]);
        match node.exec(haproxy::NAME, cat).await {
            Ok(config) => {
                let begin = format!("listen {section}\n");
                let own = config.stdout.split_once(&begin).map_or("", |(_, rest)| rest);
                let own = own.split("\n\n").next().unwrap_or_default();
                match own.matches("  server ").count() {
                    found if found == count => Probe::Ready(()),
                    found => Probe::NotYet(format!("it has {found}")),
                }
            }
            Err(error) => Probe::NotYet(error.to_string()),
        }
    })
    .await
}

/// The statistics, as who may see them does.
fn statistics(cluster: &Cluster) -> Result<Http> {
    let (user, password) = haproxy::STATISTICS;
    Ok(node(cluster)?.http(haproxy::PORT).credential(user, password))
}
