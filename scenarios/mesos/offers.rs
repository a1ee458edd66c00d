//! Offers: who gets them, who does not, and what does not fit into any.

use std::time::{Duration, Instant};

use harness::client::mesos::FrameworkSpec;
use harness::evidence::{Verdict, inapplicable, not_applicable};
use harness::{Cluster, Result, check};
use rstest::rstest;

use crate::fixtures::cluster;

mod readme {
    use std::time::Duration;

    use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
    use harness::deadlines::Deadline;
    use harness::evidence::Verdict;
    use harness::{Cluster, Kind, Result, check, check_contains};
    use rstest::rstest;

    use crate::fixtures::cluster;

    /// README "Insufficient Resources": offers are declined, and the reason is shown.
    #[rstest]
    #[tokio::test]
    async fn oversized_task_waits_and_the_shortage_is_shown(#[future] cluster: Result<Cluster>) -> Verdict {
        let cluster = cluster.await?;
        let framework = cluster.framework(FrameworkSpec::new("insufficient-resources")).await?;
        let control = framework.run(TaskSpec::command("fits", "true")).await?;
        check!(
            control.await_terminal().await?.state == TaskState::TaskFinished,
            "a task that fits runs"
        );
        let oversized = TaskSpec::command("oversized", "true").resources(8.0, 4096.0);

        let patience = Deadline::custom("OVERSIZED", Duration::from_secs(3));
        let waited = framework.run_within(oversized.clone(), patience).await;

        check!(
            waited.as_ref().err().map(harness::Error::kind) == Some(Kind::Deadline),
            "no offer is taken"
        );
        let shortage = framework.shortfall(&oversized).await?.to_string();
        check_contains!(shortage, "short by 4", "the missing cpus are shown with their number");
        check_contains!(shortage, "1167", "so is the missing memory");
        let known = cluster.mesos().get_tasks().await?;
        check!(
            known.named("oversized").count() == 0,
            "the master knows of no such task"
        );
        check!(known.named("fits").count() == 1, "it does know of the other one");
        framework.finish().await?;
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn declined_resources_stay_away_as_long_as_asked(#[future] cluster: Result<Cluster>) -> Verdict {
    const REFUSAL: Duration = Duration::from_secs(3);
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("declines")).await?;
    let offer = framework.await_offer("comes", |_| true).await?;

    let declined = Instant::now();
    framework.decline_for(&offer, REFUSAL).await?;

    let again = framework.await_next_offer("comes again", |_| true).await?;
    check!(declined.elapsed() >= REFUSAL, "it comes no sooner");
    check!(
        again.id != offer.id && again.resources == offer.resources,
        "the same resources, in another offer"
    );
    framework.finish().await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn revive_lifts_the_filters(#[future] cluster: Result<Cluster>) -> Verdict {
    const REFUSAL: Duration = Duration::from_secs(3600);
    let cluster = cluster.await?;
    let framework = cluster.framework(FrameworkSpec::new("revives")).await?;
    let offer = framework.await_offer("comes", |_| true).await?;
    framework.decline_for(&offer, REFUSAL).await?;

    framework.revive().await?;

    let again = framework.await_next_offer("comes again", |_| true).await?;
    check!(again.resources == offer.resources);
    framework.finish().await?;
    cluster.finish().await
}

/// The other framework has everything else on offer at the same time, so nothing was merely late.
#[tokio::test]
async fn reserved_resources_go_to_their_role_alone() -> Verdict {
    let cluster = Cluster::builder().slaves(2).role(2, "analytics").boot().await?;
    let open = cluster.slave(1)?.address().to_string();
    let reserved = cluster.slave(2)?.address().to_string();

    let other = cluster.framework(FrameworkSpec::new("other").roles(["web"])).await?;
    let owner = cluster
        .framework(FrameworkSpec::new("owner").roles(["analytics"]))
        .await?;
    let offer = owner
        .await_offer("is of the reserved agent", |offer| offer.hostname == reserved)
        .await?;
    other
        .await_offer("is of the open agent", |offer| offer.hostname == open)
        .await?;

    check!(offer.role() == "analytics");
    check!(offer.resources.unreserved.is_empty() && offer.resources.reserved.contains_key("analytics"));
    check!(
        other.offers().iter().all(|offer| offer.hostname == open),
        "the other role is offered the rest only"
    );
    owner.finish().await?;
    other.finish().await?;
    cluster.finish().await
}

#[tokio::test]
async fn constraints_exclude_agents() -> Verdict {
    if let Some(why) = inapplicable().await? {
        return not_applicable(why);
    }
    let cluster = Cluster::builder()
        .slaves(2)
        .attributes(1, "rack:a")?
        .attributes(2, "rack:b")?
        .boot()
        .await?;
    let wanted = cluster.slave(2)?.address().to_string();

    let any = cluster.framework(FrameworkSpec::new("any")).await?;
    let of_the_other = any
        .await_offer("is of slave 1", |offer| offer.hostname != wanted)
        .await?;
    any.suppress().await?;
    any.decline(&of_the_other).await?;
    let picky = cluster
        .framework(FrameworkSpec::new("picky").only_with_attribute("rack", "b"))
        .await?;
    any.finish().await?;

    let offer = picky.await_offer("comes", |_| true).await?;
    check!(offer.hostname == wanted);
    check!(picky.offers().len() == 1, "the other agent is free, and not offered");
    picky.finish().await?;
    cluster.finish().await
}
