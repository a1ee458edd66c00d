//! Launching the cluster.

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::evidence::Verdict;
use harness::{Cluster, check};
use rstest::rstest;

use crate::fixtures::stack_of;

mod readme {
    use harness::client::mesos::FrameworkSpec;
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Launching the cluster": one master, one slave, and what `dcos node --json` shows of it.
    #[rstest]
    #[tokio::test]
    async fn readme_topology(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let framework = cluster.framework(FrameworkSpec::new("launch")).await?;
        let slave1 = cluster.slave(1)?.address().to_string();

        let offer = framework
            .await_offer("is of mesos-slave1", |offer| offer.hostname == slave1)
            .await?;

        check!(offer.usable().to_string() == "cpus 4, mem 2929 MB, disk 35164 MB, ports 31000-32000");
        let masters = cluster.zookeeper().await?.children("/mesos").await?;
        let contenders = masters.iter().filter(|node| node.starts_with("json.info_")).count();
        check!(contenders == 1, "one master contends for leadership");
        check!(cluster.mesos().agents().await?.len() == 1, "one agent is registered");
        framework.finish().await?;
        cluster.finish().await
    }
}

#[rstest]
#[case::v1_9("1.9")]
#[case::v1_10("1.10")]
#[case::v1_11("1.11")]
#[tokio::test]
async fn each_mesos_version_boots_and_runs_a_task(#[case] version: &str) -> Verdict {
    let cluster = Cluster::builder().stack_file(stack_of(version)).boot().await?;
    let framework = cluster.framework(FrameworkSpec::new("any-version")).await?;

    let task = framework.run(TaskSpec::command("greets", "echo hello")).await?;

    check!(task.await_terminal().await?.state == TaskState::TaskFinished);
    check!(cluster.mesos().version().await?.version == format!("{version}.0"));
    check!(cluster.slave(1)?.agent().version().await?.version == format!("{version}.0"));
    framework.finish().await?;
    cluster.finish().await
}
