//! Masters that come and go under it.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::TaskSpec;
use harness::component::{mesos_dns, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, check, deadlines};

use super::{answers, await_answers, cluster, framework, running};

#[tokio::test]
async fn new_leader_is_followed() -> Verdict {
    let cluster = Cluster::builder().masters(3).zookeepers(1).mesos_dns().boot().await?;
    let shell = cluster.shell(cluster.slave(1)?).await?;
    let first = cluster.leading_master().await?;
    check!(answers(&shell, &["leader.mesos"]).await? == [first.address().to_string()]);

    cluster.kill(first, mesos_master::NAME).await?;

    let next = cluster.next_leading_master(first).await?.address().to_string();
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

    cluster.kill(&master, mesos_master::NAME).await?;
    // Before that the master would remove the framework, and its task.
    framework.disconnect().await;

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
