//! `dcos node log`: what master and agents wrote.

use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{dcos, routed};

#[rstest]
#[tokio::test]
async fn of_the_master_and_of_an_agent(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let agent = cluster.mesos().agents().await?.remove(0).id.to_string();

    let master = dcos(&cluster, &["node", "log", "--master", "--lines=1000"])
        .await?
        .success()?;
    let slave = dcos(&cluster, &["node", "log", &format!("--slave={agent}"), "--lines=1000"])
        .await?
        .success()?;

    check_contains!(master.stdout, "Elected as the leading master");
    check_contains!(slave.stdout, "Registered with master");
    let one = dcos(&cluster, &["node", "log", "--master", "--lines=1"])
        .await?
        .success()?;
    check!(one.stdout.lines().count() == 1);
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn of_an_agent_that_is_not_there_is_told(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;

    let none = dcos(&cluster, &["node", "log", "--slave=no-such-agent"]).await?;

    check!(none.exit_code == 1);
    check_contains!(none.stderr, "No slave found with ID \"no-such-agent\".");
    cluster.finish().await
}
