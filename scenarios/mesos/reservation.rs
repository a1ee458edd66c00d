//! Reservations that are made while the cluster runs.

use harness::client::Resources;
use harness::client::mesos::{Capability, Framework, FrameworkSpec, Offer, Operation};
use harness::client::resources::Reserved;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

const ROLE: &str = "db";

fn owner() -> FrameworkSpec {
    FrameworkSpec::new("owner")
        .roles([ROLE])
        .capability(Capability::ReservationRefinement)
}

fn claim() -> Resources {
    Resources::new(3.0, 2000.0).with_disk(1000.0)
}

async fn reserved(owner: &Framework) -> Result<Offer> {
    let of_the_role = |offer: &Offer| offer.resources.reserved.get(ROLE) == Some(&claim());
    owner.await_offer("has the reservation", of_the_role).await
}

async fn whole(owner: &Framework) -> Result<Offer> {
    let all = Resources::new(4.0, 2929.0);
    owner
        .await_offer("has everything, reserved for nobody", |offer| {
            offer.usable().contains(&all)
        })
        .await
}

#[rstest]
#[tokio::test]
async fn of_a_framework_holds_until_it_is_given_up(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let owner = cluster.framework(owner()).await?;
    let offer = whole(&owner).await?;

    owner
        .apply(&offer, [Operation::Reserve(Reserved::new(ROLE, claim()))])
        .await?;

    let offer = reserved(&owner).await?;
    owner.decline_for(&offer, std::time::Duration::from_secs(3600)).await?;
    let other = cluster.framework(FrameworkSpec::new("other").roles(["web"])).await?;
    let rest = other.await_offer("comes", |_| true).await?;
    check!(
        rest.resources.reserved.is_empty() && rest.usable().to_string().starts_with("cpus 1, mem 929 MB"),
        "another role is offered the rest"
    );
    other.finish().await?;
    let offer = reserved(&owner).await?;
    owner
        .apply(&offer, [Operation::Unreserve(Reserved::new(ROLE, claim()))])
        .await?;
    check!(
        whole(&owner).await?.resources.reserved.is_empty(),
        "given up, it is anybody's"
    );
    owner.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn of_an_operator_goes_to_its_role(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let owner = cluster.framework(owner()).await?;
    let offer = whole(&owner).await?;
    let master = cluster.mesos();

    master.reserve(&offer.agent_id, &Reserved::new(ROLE, claim())).await?;

    reserved(&owner).await?;
    check!(
        owner.offers().iter().all(|offered| offered.id != offer.id),
        "what was on offer before was taken back"
    );
    master.unreserve(&offer.agent_id, &Reserved::new(ROLE, claim())).await?;
    check!(whole(&owner).await?.resources.reserved.is_empty());
    owner.finish().await?;
    cluster.finish().await
}
