//! Persistent volumes.

use harness::client::Resources;
use harness::client::mesos::{Capability, Framework, FrameworkSpec, Offer, Operation, TaskSpec, TaskState};
use harness::client::resources::Volume;
use harness::component::mesos_agent;
use harness::evidence::{Failure, Verdict};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use crate::fixtures::cluster;

fn volume() -> Volume {
    Volume::new("ledger", "db", 64.0, "data")
}

fn owner() -> FrameworkSpec {
    FrameworkSpec::new("owner")
        .roles(["db"])
        .checkpoint()
        .capability(Capability::ReservationRefinement)
}

async fn offer_with_volume(owner: &Framework) -> Result<Offer> {
    let has = |offer: &Offer| offer.resources.volumes.contains_key(volume().id());
    owner.await_offer("has the volume", has).await
}

/// Runs `command` with the volume, to its end, and returns what it printed.
async fn run(cluster: &Cluster, owner: &Framework, command: &str) -> std::result::Result<String, Failure> {
    let offer = offer_with_volume(owner).await?;
    let task = owner
        .launch(&offer, TaskSpec::command("uses", command).volume(volume()))
        .await?;
    let status = task.await_terminal().await?;
    check!(status.state == TaskState::TaskFinished, "{command}");
    Ok(cluster.sandbox(&task).await?.text("stdout").await?)
}

#[rstest]
#[tokio::test]
async fn outlives_its_task_and_its_agents_restart(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let slave = cluster.slave(1)?;
    let owner = cluster.framework(owner()).await?;
    let offer = owner.await_offer("comes", |_| true).await?;
    owner
        .apply(
            &offer,
            [Operation::Reserve(volume().disk()), Operation::Create(volume())],
        )
        .await?;
    run(&cluster, &owner, "echo kept > data/file").await?;

    cluster.kill(slave, mesos_agent::NAME).await?;
    cluster.revive_agent(slave).await?;

    check_contains!(run(&cluster, &owner, "cat data/file").await?, "kept\n");
    owner.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn destroyed_takes_its_data_with_it(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let (owner, master) = (cluster.framework(owner()).await?, cluster.mesos());
    let agent = owner.await_offer("comes", |_| true).await?.agent_id;
    master.reserve(&agent, &volume().disk()).await?;
    master.create_volume(&agent, &volume()).await?;
    run(&cluster, &owner, "echo secret > data/file").await?;

    master.destroy_volume(&agent, &volume()).await?;

    let disk = Resources::default().with_disk(64.0);
    let plain = |offer: &Offer| offer.resources.reserved.get("db") == Some(&disk) && offer.resources.volumes.is_empty();
    owner.await_offer("has plain disk again", plain).await?;
    master.create_volume(&agent, &volume()).await?;
    let output = run(&cluster, &owner, "test -d data && echo $(ls -A data | wc -l) files").await?;
    check!(output.lines().any(|line| line == "0 files"), "{output}");
    owner.finish().await?;
    cluster.finish().await
}
