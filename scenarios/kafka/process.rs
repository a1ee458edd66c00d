//! A broker's process: what it is started with, how it ends, and that it comes back.

use harness::client::mesos::TaskState;
use harness::client::mesos::state::TaskEntry;
use harness::component::mesos_agent;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::workload::kafka::VERSIONS;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::json;

use super::clients::Clients;
use super::{SMALL, installed, packaged};

/// The task of broker 0, also when it has ended.
async fn task(cluster: &Cluster) -> Result<Option<TaskEntry>> {
    let state = cluster.mesos().state().await?.typed;
    let mut tasks = state
        .frameworks
        .iter()
        .flat_map(|one| one.tasks.iter().chain(&one.completed_tasks));
    Ok(tasks.find(|task| task.name == "broker-0").cloned())
}

/// Java ignores an archive of classes that does not fit, and says nothing: a broker would only start later.
#[rstest]
#[case::kafka_0_8_2_2(VERSIONS[0].0)]
#[case::kafka_3_9_2(VERSIONS[1].0)]
#[tokio::test]
async fn maps_shared_classes_and_ends_in_order(#[future] packaged: Result<Cluster>, #[case] package: &str) -> Verdict {
    let cluster = packaged.await?;
    let kafka = cluster.kafka().await?;
    kafka.install(package, &json!({})).await?;
    let telling = [&SMALL[..], &["--jvm-options", "-Xlog:class+load:file=loaded.txt"]].concat();
    kafka.start("0", &telling).await?;
    let running = task(&cluster).await?;
    check!(running.is_some());
    let Some(running) = running else {
        return cluster.finish().await;
    };
    let agent = cluster.slave(1)?.agent();
    let sandbox = agent.sandbox(&running.framework_id, &running.id).await?;

    kafka.stop("0").await?;

    let loaded = sandbox.text("loaded.txt").await?;
    check_contains!(loaded, "kafka.server.KafkaServer source: shared objects file");
    let said = sandbox.text("stdout").await?;
    check_contains!(said, "shut down completed (kafka.server.KafkaServer)");
    check!(task(&cluster).await?.map(|task| task.state) == Some(TaskState::TaskFinished));
    cluster.finish().await
}

/// Killed by nobody whom the scheduler knows, on the machine itself.
#[rstest]
#[tokio::test]
async fn killed_comes_back_where_it_was(#[future] installed: Result<Cluster>) -> Verdict {
    let cluster = installed.await?;
    let kafka = cluster.kafka().await?;
    let options = [&SMALL[..], &["--failover-delay", "1s"]].concat();
    kafka.start("0", &options).await?;
    let before = kafka.broker("0").await?.task;
    let before = before.as_ref().map(|task| (&task.id, &task.hostname));

    let kill = "for process in /proc/[0-9]*; do grep -qa 'kafka[.]Kafka' $process/cmdline && kill -9 ${process#/proc/}; done; true";
    let kill = ExecSpec::new(["sh", "-c", kill]);
    cluster.slave(1)?.exec(mesos_agent::NAME, kill).await?.success()?;

    let after = kafka
        .await_broker("0", "it runs as another task", |broker| {
            let other = broker
                .task
                .as_ref()
                .filter(|task| Some(&task.id) != before.map(|(id, _)| id));
            other.is_some() && broker.endpoint().is_some()
        })
        .await?;
    check!(after.task.as_ref().map(|task| &task.hostname) == before.map(|(_, host)| host));
    let clients = Clients::of(VERSIONS[0].1, after.endpoint().unwrap_or_default());
    kafka.command(&["topic", "add", "t"]).await?.success()?;
    clients.await_topic("t", 1).await?;
    check!(clients.produce("t", &["again"]).await? == [0], "it serves");
    cluster.finish().await
}
