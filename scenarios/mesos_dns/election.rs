//! Masters that come and go under it.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::TaskSpec;
use harness::component::{mesos_dns, mesos_master};
use harness::evidence::Verdict;
use harness::node::{Node, NodeName};
use harness::{Cluster, Result, check, deadlines};

use super::{answers, await_answers, cluster, framework, running};

/// The masters' nodes, those first that lead.
async fn masters(cluster: &Cluster) -> Result<Vec<Node>> {
    let leader = cluster.mesos().await_leader().await?;
    let is_master = |node: &&Node| matches!(node.name(), NodeName::Master(_));
    let mut masters: Vec<Node> = cluster.nodes().filter(is_master).cloned().collect();
    masters.sort_by_key(|node| !leader.contains(&node.address().to_string()));
    Ok(masters)
}

/// Of the masters that are left, the one that they elect.
async fn elected(left: &[Node]) -> Result<&Node> {
    Wait::that("another master leads", deadlines::MASTER_LEADING)
        .until(async || {
            let leads = |leader: String| left.iter().find(|node| leader.contains(&node.address().to_string()));
            let leader = left[0].master().leader().await;
            Probe::from_passing(leader.map(|leader| leader.and_then(leads)), "they know of none")
        })
        .await
}

#[tokio::test]
async fn new_leader_is_followed() -> Verdict {
    let cluster = Cluster::builder().masters(3).zookeepers(1).mesos_dns().boot().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let masters = masters(&cluster).await?;
    let (first, left) = (&masters[0], &masters[1..]);
    check!(answers(&shell, &["leader.mesos"]).await? == [first.address().to_string()]);

    cluster.kill(first, mesos_master::NAME).await?;

    let next = elected(left).await?.address().to_string();
    await_answers(&shell, &["leader.mesos"], &[next]).await?;
    check!(answers(&shell, &["SRV", "_leader._tcp.mesos"]).await? == ["0 1 5050 leader.mesos."]);
    cluster.finish().await
}

/// What was known stays known: tasks live on without a master, and are to be found.
#[tokio::test]
async fn master_that_is_gone_leaves_its_records() -> Verdict {
    let cluster = cluster().await?;
    let (master, slave) = (cluster.master(), cluster.slave(1)?);
    let shell = cluster.shell(slave).await?;
    let framework = framework(&cluster, "team").await?;
    let _task = running(&framework, TaskSpec::command("web", "sleep 1000")).await?;
    let addresses = [slave.address().to_string()];
    await_answers(&shell, &["web.team.mesos"], &addresses).await?;
    framework.disconnect().await;

    cluster.kill(&master, mesos_master::NAME).await?;

    Wait::that("Mesos-DNS has asked in vain", deadlines::NAME_RESOLVED)
        .until(async || match master.logs(mesos_dns::NAME, 20).await {
            Ok(log) if log.contains("keeping old DNS state") => Probe::Ready(()),
            Ok(log) => Probe::NotYet(format!("its log ends with {:?}", log.lines().last())),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await?;
    check!(answers(&shell, &["web.team.mesos"]).await? == addresses);
    check!(answers(&shell, &["leader.mesos"]).await? == [master.address().to_string()]);
    cluster.finish().await
}
