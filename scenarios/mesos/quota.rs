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
    cluster.mesos().update_quota("small", &Resources::default()).await?;
    let told = cluster.mesos().get_quota().await?;
    check!(told.iter().all(|quota| quota.limits == Resources::default()));
    other.finish().await?;
    let rest = Resources::new(3.0, 2417.0);
    small
        .await_offer("has the rest too", |offer: &Offer| offer.usable().contains(&rest))
        .await?;
    small.finish().await?;
    cluster.finish().await
}

/// The other role has no limit, and comes first.
#[rstest]
#[tokio::test]
async fn guarantee_is_kept_for_its_role(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let kept = Resources::new(3.0, 2048.0);

    let too_much = cluster
        .mesos()
        .guarantee_quota("kept", &Resources::new(5.0, 64.0))
        .await;
    cluster.mesos().guarantee_quota("kept", &kept).await?;

    let refused = too_much.err().and_then(|error| error.http_status());
    check!(refused == Some(409), "the cluster has 4 CPUs to guarantee");
    let other = cluster.framework(FrameworkSpec::new("other").roles(["other"])).await?;
    let rest = other.await_offer("comes", |_| true).await?;
    check!(
        !rest.usable().contains(&Resources::new(1.1, 0.0)),
        "no CPU that is kept"
    );
    check!(
        !rest.usable().contains(&Resources::new(0.0, 882.0)),
        "no memory that is kept"
    );
    let owner = cluster.framework(FrameworkSpec::new("kept").roles(["kept"])).await?;
    owner
        .await_offer("has what was kept", |offer: &Offer| offer.usable().contains(&kept))
        .await?;
    let told = cluster.mesos().get_quota().await?;
    check!(told.len() == 1 && told[0].guarantees == kept);
    owner.finish().await?;
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
