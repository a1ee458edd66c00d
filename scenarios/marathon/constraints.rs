//! Constraints: where tasks may run.

use std::collections::BTreeMap;

use harness::client::marathon::{App, AppSpec};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use rstest::rstest;

use super::SLEEPS;

/// Two slaves, one in each rack.
async fn racks() -> Result<Cluster> {
    Cluster::builder()
        .slaves(2)
        .attributes(1, "rack:a")?
        .attributes(2, "rack:b")?
        .marathon()
        .boot()
        .await
}

/// How many tasks each rack has.
fn by_rack(cluster: &Cluster, app: &App) -> Result<BTreeMap<&'static str, usize>> {
    let first = cluster.slave(1)?.address().to_string();
    let mut racks = BTreeMap::new();
    for task in &app.tasks {
        *racks.entry(if task.host == first { "a" } else { "b" }).or_insert(0) += 1;
    }
    Ok(racks)
}

#[rstest]
#[case::unique(&["hostname", "UNIQUE"], 2, &[("a", 1), ("b", 1)])]
#[case::like(&["rack", "LIKE", "b|c"], 3, &[("b", 3)])]
#[case::unlike(&["rack", "UNLIKE", "b"], 3, &[("a", 3)])]
#[case::cluster_of_a_value(&["rack", "CLUSTER", "b"], 3, &[("b", 3)])]
#[case::group_by(&["rack", "GROUP_BY", "2"], 4, &[("a", 2), ("b", 2)])]
#[case::max_per(&["rack", "MAX_PER", "2"], 4, &[("a", 2), ("b", 2)])]
#[tokio::test]
async fn tasks_run_where_they_may(
    #[case] constraint: &[&str],
    #[case] instances: u32,
    #[case] expected: &[(&'static str, usize)],
) -> Verdict {
    let cluster = racks().await?;
    let spec = AppSpec::command("/a", SLEEPS)
        .instances(instances)
        .constraint(constraint);

    let app = cluster.marathon().run(&spec).await?;

    let expected: BTreeMap<_, _> = expected.iter().copied().collect();
    check!(by_rack(&cluster, &app)? == expected);
    cluster.finish().await
}

/// Without a value it is the first task's.
#[tokio::test]
async fn cluster_without_a_value_stays_together() -> Verdict {
    let cluster = racks().await?;
    let spec = AppSpec::command("/a", SLEEPS)
        .instances(3)
        .constraint(&["rack", "CLUSTER"]);

    let app = cluster.marathon().run(&spec).await?;

    let racks = by_rack(&cluster, &app)?;
    check!(racks.len() == 1 && racks.values().sum::<usize>() == 3, "{racks:?}");
    cluster.finish().await
}

/// A third task has no host of its own: it waits, and the queue says why.
#[tokio::test]
async fn task_without_a_place_waits() -> Verdict {
    let cluster = racks().await?;
    let marathon = cluster.marathon();
    let spec = AppSpec::command("/a", SLEEPS)
        .instances(3)
        .constraint(&["hostname", "UNIQUE"]);

    marathon.create(&spec).await?;

    let waits = marathon
        .await_queued("/a", "one task of /a waits for another host", |item| {
            item.count == 1 && item.reasons() == ["UnfulfilledConstraint"]
        })
        .await?;
    let app = marathon
        .await_app("/a", "two tasks of /a run", |app| app.tasks_running == 2)
        .await?;
    check!(waits.delay.overdue, "it waits for nothing else");
    check!(by_rack(&cluster, &app)? == BTreeMap::from([("a", 1), ("b", 1)]));
    cluster.finish().await
}
