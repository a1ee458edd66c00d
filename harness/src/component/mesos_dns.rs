//! Mesos-DNS: our stand-in, or a user's own image. Every node of a cluster that has it resolves names by it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::Value;

use super::service::Surroundings;
use super::{Recipe, mesos_master};
use crate::await_until::Probe;
use crate::docker::ContainerSpec;
use crate::node::{Node, NodeName};
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "mesos-dns";
/// Where it serves DNS, by UDP and TCP.
pub const PORT: u16 = 53;
/// Where it serves HTTP.
pub const HTTP_PORT: u16 = 8123;
/// The domain of its names, and what nodes search for names without a dot.
pub const DOMAIN: &str = "mesos";

/// Where the system has the name servers of this machine. The second is behind a local one of systemd's.
const RESOLVERS: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
/// What the original VMs had, and what the engine takes too where the machine names none.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);

/// Mesos-DNS on `node`, configured by environment alone: the image of the original VMs makes a file of `MESOSDNS_*`.
pub(crate) async fn container(recipe: &Recipe<'_>, node: NodeName, around: &Surroundings<'_>) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let mut container = recipe
        .joining(node, NAME, &image)
        .env("MESOSDNS_ZK", mesos_master::election(around.ensemble))
        .env("MESOSDNS_DOMAIN", DOMAIN)
        // The least that the original can be told: a minute is long in a test.
        .env("MESOSDNS_REFRESHSECONDS", "1")
        // A master that hangs is given up, and the next one is asked.
        .env("MESOSDNS_STATETIMEOUTSECONDS", "5");
    for (number, resolver) in (1..).zip(resolvers()) {
        container = container.env(&format!("MESOSDNS_RESOLVERS_{number}"), resolver.to_string());
    }
    recipe.settings(NAME, container)
}

/// The name servers of a node: Mesos-DNS on `masters` before this machine's own, as on the original VMs.
pub(crate) fn name_servers(masters: impl IntoIterator<Item = Ipv4Addr>) -> Vec<IpAddr> {
    let masters = masters.into_iter().map(IpAddr::V4);
    masters.chain(resolvers()).collect()
}

/// This machine's name servers, as the engine gives them to containers. Nodes cannot ask the engine's own server for
/// foreign names: it asks Mesos-DNS.
fn resolvers() -> Vec<IpAddr> {
    let found = RESOLVERS.iter().map(|file| servers(Path::new(file)));
    let found = found.into_iter().find(|servers| !servers.is_empty());
    found.unwrap_or_else(|| vec![IpAddr::V4(PUBLIC)])
}

/// The name servers in `file` that a container reaches too.
fn servers(file: &Path) -> Vec<IpAddr> {
    named(&std::fs::read_to_string(file).unwrap_or_default())
}

fn named(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok())?
    };
    let servers = text.lines().filter_map(server);
    servers.filter(|ip: &IpAddr| !ip.is_loopback()).collect()
}

/// Waits until the one on `node` knows the leading master. DNS is served before HTTP is.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let http = node.http(HTTP_PORT);
    node.starting(
        NAME,
        "Mesos-DNS",
        "knows the leading master",
        deadlines::MESOS_DNS_READY,
    )
    .until(async || {
        let path = format!("v1/hosts/leader.{DOMAIN}");
        let hosts: Result<Value> = async { http.get(&path).send().await?.json() }.await;
        match hosts {
            // A name that it does not know has one entry of empty strings.
            Ok(hosts) if hosts[0]["ip"].as_str().is_none_or(str::is_empty) => {
                Probe::NotYet(format!("{path} has no address: {hosts}"))
            }
            Ok(_) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_that_only_this_machine_reaches_are_left_out() {
        let text = "# comment\nnameserver 127.0.0.53\nsearch lan\nnameserver 10.0.0.2\nnameserver fe80::1\n";
        let found: Vec<String> = named(text).iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["10.0.0.2", "fe80::1"]);
    }

    #[test]
    fn a_node_asks_the_masters_first() {
        let servers = name_servers([Ipv4Addr::new(10, 64, 0, 11)]);
        assert_eq!(servers.first(), Some(&IpAddr::V4(Ipv4Addr::new(10, 64, 0, 11))));
        assert!(servers.len() > 1, "this machine's own, or a public one, is behind it");
    }
}
