//! How resources are shared between roles.

use harness::client::Resources;
use harness::client::mesos::{FrameworkSpec, Offer};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

#[rstest]
#[tokio::test]
async fn limit_holds_a_role_back(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let limit = Resources::new(1.0, 512.0);

    cluster.mesos().update_quota("small", &limit).await?;

    let small = cluster.framework(FrameworkSpec::new("small").roles(["small"])).await?;
    let offer = small.await_offer("comes", |_| true).await?;
    check!(limit.contains(&Resources::new(
        offer.usable().cpus.as_f64(),
        offer.usable().mem_mb.as_f64()
    )));
    let other = cluster.framework(FrameworkSpec::new("other").roles(["other"])).await?;
    let rest = Resources::new(3.0, 2417.0);
    other
        .await_offer("has the rest", |offer: &Offer| offer.usable().contains(&rest))
        .await?;
    check!(small.offers().len() == 1, "no more is offered to the role");
    let told = cluster.mesos().get_quota().await?;
    check!(told.iter().map(|quota| quota.role.as_str()).collect::<Vec<_>>() == ["small"]);
    check!(told[0].limits == limit);
    small.finish().await?;
    other.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn weight_of_a_role_can_be_changed(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let heavy = cluster.framework(FrameworkSpec::new("heavy").roles(["heavy"])).await?;

    for weight in [2.5, 0.5] {
        cluster.mesos().update_weight("heavy", weight).await?;

        let roles = cluster.mesos().get_roles().await?;
        let told = roles.iter().find(|role| role.name == "heavy").map(|role| role.weight);
        check!(told == Some(weight));
    }
    heavy.finish().await?;
    cluster.finish().await
}
