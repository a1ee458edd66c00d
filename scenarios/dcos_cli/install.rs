//! The program itself.

use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use super::{dcos, routed};

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use super::super::{cells, dcos, routed};

    /// README "Installing the CLI": `dcos node`.
    #[rstest]
    #[tokio::test]
    async fn lists_the_nodes(#[future] routed: Result<Cluster>) -> Verdict {
        let mut cluster = routed.await?;
        cluster.start_slave(2).await?;

        let table = dcos(&cluster, &["node"]).await?.success()?.stdout;

        let mut expected = vec![vec!["HOSTNAME".to_owned(), "IP".to_owned(), "ID".to_owned()]];
        for agent in cluster.mesos().agents().await? {
            expected.push(vec![agent.hostname.clone(), agent.hostname, agent.id.to_string()]);
        }
        expected[1..].sort();
        check!(cells(&table) == expected);
        check!(
            table.lines().all(|line| line.ends_with("  ")),
            "two blanks behind every column, as in the README"
        );
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn names_its_version(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;

    let version = dcos(&cluster, &["--version"]).await?.success()?;

    check!(version.stdout == "dcos version 0.3.6\n");
    cluster.finish().await
}
