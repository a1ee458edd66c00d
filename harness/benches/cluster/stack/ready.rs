//! When a full stack serves, asked from outside: what a person with `curl` would look at.

use std::net::Ipv4Addr;

use futures_util::future::try_join_all;
use harness::await_until::{Probe, Wait};
use harness::client::http::Http;
use harness::component::{admin_router, haproxy, marathon, mesos_dns, mesos_master};
use harness::docker::network::Subnet;
use harness::node::NodeName;
use harness::{Result, deadlines};
use serde_json::Value;

/// The address of the one master node.
pub(super) fn master(subnet: Subnet) -> Ipv4Addr {
    subnet.address(NodeName::Master(1).host_octet())
}

/// Waits until an agent is registered, Marathon leads, Mesos-DNS answers, and router and HAProxy serve.
pub(super) async fn all(subnet: Subnet) -> Result<()> {
    let master = master(subnet);
    let haproxy_node = subnet.address(NodeName::Haproxy(1).host_octet());
    let (user, password) = haproxy::STATISTICS;
    let at = |address: Ipv4Addr, port: u16| Http::new(&format!("http://{address}:{port}"));
    let looks = [
        (
            "an agent is registered",
            at(master, mesos_master::PORT)?,
            "slaves",
            "/slaves/0/active",
        ),
        ("Marathon leads", at(master, marathon::PORT)?, "v2/info", "/frameworkId"),
        (
            "Mesos-DNS answers",
            at(master, mesos_dns::HTTP_PORT)?,
            "v1/version",
            "/Version",
        ),
        (
            "Admin Router serves",
            at(master, admin_router::PORT)?,
            "mesos/version",
            "/version",
        ),
        (
            "HAProxy serves",
            at(haproxy_node, haproxy::PORT)?.credential(user, password),
            "haproxy",
            "",
        ),
    ];
    try_join_all(looks.map(|(what, http, path, pointer)| serves(what, http, path, pointer)))
        .await
        .map(drop)
}

/// `pointer` is what must stand in the document that `path` answers with; any answer will do where it is empty.
async fn serves(what: &str, http: Http, path: &str, pointer: &str) -> Result<()> {
    Wait::that(what, deadlines::MARATHON_READY)
        .look_at_most(deadlines::STARTING_LOOK)
        .until(async || {
            // Only HAProxy looks at it: its statistics are nowhere else.
            let request = http.get(path).query("stats", "");
            let answer = async { request.send().await?.ok() }.await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Probe::NotYet(error.to_string()),
            };
            if pointer.is_empty() {
                return Probe::Ready(());
            }
            let document: Value = answer.json().unwrap_or_default();
            match document.pointer(pointer) {
                None | Some(Value::Null | Value::Bool(false)) => Probe::NotYet(format!("{path} has no {pointer} yet")),
                Some(_) => Probe::Ready(()),
            }
        })
        .await
}
