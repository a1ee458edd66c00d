//! The ensemble, and what Mesos keeps in it.

use harness::evidence::Verdict;
use harness::{Cluster, check, check_contains};
use rstest::rstest;

#[rstest]
#[case::one(1)]
#[case::three(3)]
#[tokio::test]
async fn records_the_leading_master(#[case] masters: u8) -> Verdict {
    let cluster = Cluster::builder().masters(masters).boot().await?;

    let recorded = cluster.zookeeper().await?.mesos_leader("/mesos").await?;

    let leader = cluster.mesos().await_leader().await?;
    let recorded = recorded.and_then(|master| master.hostname).unwrap_or_default();
    check_contains!(leader, recorded, "the record names the master that answers");
    check!(!recorded.is_empty(), "there is a record");
    cluster.finish().await
}
