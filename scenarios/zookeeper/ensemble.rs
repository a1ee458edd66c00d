//! The ensemble, and what Mesos keeps in it.

use harness::evidence::Verdict;
use harness::{Cluster, check};
use rstest::rstest;

#[rstest]
#[case::one(1)]
#[case::three(3)]
#[tokio::test]
async fn records_the_leading_master(#[case] masters: u8) -> Verdict {
    let cluster = Cluster::builder().masters(masters).boot().await?;

    let recorded = cluster.zookeeper().await?.mesos_leader("/mesos").await?;

    let leader = cluster.mesos().await_leader().await?;
    check!(
        recorded.map(|master| master.authority()) == Some(leader),
        "the record names the master that answers"
    );
    cluster.finish().await
}
