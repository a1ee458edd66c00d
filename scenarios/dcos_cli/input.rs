//! Wrong input, and a cluster that does not answer.

use harness::component::{admin_router, mesos_master};
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;

use super::{dcos, routed, router};

#[rstest]
#[case::command(&["bogus"], "'bogus' is not a dcos command.")]
#[case::sandbox(&["task", "ls", "no-such-task"], "Cannot find a task with ID containing \"no-such-task\"")]
#[case::task(&["task", "log", "no-such-task"], "No matching tasks. Exiting.")]
#[tokio::test]
async fn is_refused_with_a_message(
    #[future] routed: Result<Cluster>,
    #[case] args: &[&str],
    #[case] message: &str,
) -> Verdict {
    let cluster = routed.await?;

    let wrong = dcos(&cluster, args).await?;

    check!(wrong.exit_code == 1 && wrong.stdout.is_empty());
    check_contains!(wrong.stderr, message);
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn unknown_options_are_answered_with_the_usage(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;

    let wrong = dcos(&cluster, &["node", "--bogus"]).await?;

    check!(wrong.exit_code == 1);
    check_contains!(wrong.stdout + &wrong.stderr, "Command not recognized\n");
    cluster.finish().await
}

/// The router answers, and Mesos behind it does not.
#[rstest]
#[tokio::test]
async fn master_that_is_gone_is_told(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    cluster.kill(&cluster.master(), mesos_master::NAME).await?;

    let failed = dcos(&cluster, &["node"]).await?;

    check!(failed.exit_code == 1);
    let url = format!("{}/mesos/master/state-summary", router(&cluster));
    check_contains!(failed.stderr, format!("Error while fetching [{url}]: HTTP 50"));
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn router_that_is_gone_is_told(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    cluster.kill(&cluster.master(), admin_router::NAME).await?;

    let failed = dcos(&cluster, &["node"]).await?;

    check!(failed.exit_code == 1);
    let url = format!("{}/mesos/master/state-summary", router(&cluster));
    check_contains!(failed.stderr, format!("URL [{url}] is unreachable: "));
    cluster.finish().await
}
