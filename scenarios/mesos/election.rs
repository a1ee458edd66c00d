//! Three masters: who leads when the leader is gone, or only cut off.

use harness::client::AgentId;
use harness::client::mesos::MasterClient;
use harness::cluster::ClusterBuilder;
use harness::component::mesos_master;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};

async fn agent_ids(master: &MasterClient) -> Result<Vec<AgentId>> {
    let agents = master.agents().await?;
    Ok(agents.into_iter().map(|agent| agent.id).collect())
}

fn three_masters() -> ClusterBuilder {
    Cluster::builder().masters(3)
}

#[tokio::test]
async fn killed_leader_is_replaced() -> Verdict {
    let cluster = three_masters().zookeepers(1).boot().await?;
    let leader = cluster.leading_master().await?;
    let agents = agent_ids(&leader.master()).await?;

    cluster.kill(leader, mesos_master::NAME).await?;

    let next = cluster.next_leading_master(leader).await?.master();
    let slave = cluster.slave(1)?.address().to_string();
    next.await_agent(&slave).await?;
    check!(agent_ids(&next).await? == agents, "the agents kept their ids");
    cluster.revive(leader, mesos_master::NAME).await?;
    let all_agree = cluster.leading_master().await?;
    check!(all_agree.name() != leader.name(), "it stands by when it is back");
    cluster.finish().await
}

/// Its ZooKeeper has lost the majority with it, so its session ends, and it ends with its session: two leaders would give
/// the same resources away twice.
#[tokio::test]
async fn leader_that_is_cut_off_is_replaced() -> Verdict {
    let cluster = three_masters().boot().await?;
    let leader = cluster.leading_master().await?;
    let agents = agent_ids(&leader.master()).await?;
    let others: Vec<_> = cluster.nodes().filter(|node| node.name() != leader.name()).collect();

    let partition = cluster.partition(leader, &others).await?;

    let next = cluster.next_leading_master(leader).await?.master();
    cluster.await_end(leader, mesos_master::NAME).await?;
    partition.heal().await?;
    let slave = cluster.slave(1)?.address().to_string();
    next.await_agent(&slave).await?;
    check!(agent_ids(&next).await? == agents, "the agents kept their ids");
    cluster.revive(leader, mesos_master::NAME).await?;
    let all_agree = cluster.leading_master().await?;
    check!(all_agree.name() != leader.name(), "it stands by when it is back");
    cluster.finish().await
}
