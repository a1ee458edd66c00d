//! The packet filter of a node, and the container that may change it: made when the first fault of the node's network
//! is asked for.

use std::net::Ipv4Addr;

use super::{Recipe, shell};
use crate::docker::exec::{self, ExecSpec};
use crate::docker::{Engine, container, engine};
use crate::node::Node;
use crate::{Error, Kind, Result};

/// As it stands in the component label.
pub(crate) const NAME: &str = "packet-filter";

/// Which packets a rule drops, as seen from its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To and from the peers.
    Both,
    /// From the peers: the node is deaf to them.
    FromPeers,
}

/// Makes sure that the container runs, and names it.
pub(crate) async fn ensure(engine: &Engine, recipe: &Recipe<'_>, node: &Node) -> Result<String> {
    let image = recipe.images.ensure(&shell::image()).await?;
    let part = recipe.joining(node.name(), NAME, &image).capability("NET_ADMIN");
    if !container::exists(engine, part.name()).await? {
        match part.create(engine).await {
            // Two faults of one node at the same moment.
            Err(error) if engine::refusal(&error) == Some(409) => {}
            created => created?,
        }
    }
    container::start(engine, part.name()).await?;
    Ok(part.name().to_owned())
}

/// Drops what `direction` says of the packets between the node and `peers`, under the name `table`, and reads back that
/// it does.
pub(crate) async fn drop_packets(
    engine: &Engine,
    filter: &str,
    table: &str,
    peers: &[Ipv4Addr],
    direction: Direction,
) -> Result<()> {
    let load = ExecSpec::new(["nft", "-f", "-"]).stdin(rules(table, peers, direction));
    exec::exec(engine, filter, load).await?.success()?;
    expect(engine, filter, table, true).await
}

/// Removes what [`drop_packets`] added, and reads back that it is gone. A node that was stopped since has no rules.
pub(crate) async fn pass_packets(engine: &Engine, filter: &str, table: &str) -> Result<()> {
    if !container::exists(engine, filter).await? || !container::runs(engine, filter).await? {
        return Ok(());
    }
    if is_there(engine, filter, table).await? {
        let delete = ExecSpec::new(["nft", "delete", "table", "inet", table]);
        exec::exec(engine, filter, delete).await?.success()?;
    }
    expect(engine, filter, table, false).await
}

/// Before connection tracking and before every other table: nothing that is established passes either. Packets of
/// containers on a bridge of the node are forwarded by it.
fn rules(table: &str, peers: &[Ipv4Addr], direction: Direction) -> String {
    let peers = peers.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", ");
    let from = format!("ip saddr {{ {peers} }} drop");
    let chain = |hook: &str, rules: &str| {
        format!("  chain {hook} {{\n    type filter hook {hook} priority -300; policy accept;\n    {rules}\n  }}\n")
    };
    let chains = match direction {
        Direction::FromPeers => chain("input", &from) + &chain("forward", &from),
        Direction::Both => {
            let to = format!("ip daddr {{ {peers} }} drop");
            chain("input", &from) + &chain("output", &to) + &chain("forward", &format!("{from}\n    {to}"))
        }
    };
    format!("table inet {table} {{\n{chains}}}\n")
}

async fn is_there(engine: &Engine, filter: &str, table: &str) -> Result<bool> {
    let list = ExecSpec::new(["nft", "list", "tables", "inet"]);
    let listed = exec::exec(engine, filter, list).await?.success()?.stdout;
    Ok(listed.lines().any(|line| line == format!("table inet {table}")))
}

async fn expect(engine: &Engine, filter: &str, table: &str, there: bool) -> Result<()> {
    if is_there(engine, filter, table).await? == there {
        return Ok(());
    }
    let (expected, found) = if there { ("there", "gone") } else { ("gone", "there") };
    Err(Error::new(
        Kind::Environment,
        format!("the rules {table} of {filter} are {found}, after they were changed"),
    )
    .expected(format!("them to be {expected}"))
    .ran(format!("docker exec {filter} nft list ruleset")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deaf_node_may_speak() {
        let peers = [Ipv4Addr::new(10, 64, 0, 11), Ipv4Addr::new(10, 64, 0, 12)];
        let both = rules("cut-1", &peers, Direction::Both);
        assert!(both.starts_with("table inet cut-1 {"), "{both}");
        assert!(both.contains("hook output") && both.contains("ip daddr { 10.64.0.11, 10.64.0.12 } drop"));
        let deaf = rules("cut-2", &peers, Direction::FromPeers);
        assert!(!deaf.contains("output") && !deaf.contains("daddr"), "{deaf}");
        assert!(deaf.contains("hook input") && deaf.contains("ip saddr { 10.64.0.11, 10.64.0.12 } drop"));
    }
}
