//! README "Shuffle Service": there is none, and dynamic allocation needs one.

use harness::evidence::Verdict;
use harness::workload::spark::Submission;
use harness::{Cluster, Result, check};
use rstest::rstest;

use super::dispatched;

/// A driver with dynamic allocation looks for the shuffle service of its executor's slave, and says that none is there.
#[rstest]
#[tokio::test]
async fn absence_is_said(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let dispatcher = cluster.spark().dispatcher().await?;
    let dynamic = Submission::pi(10)
        .of_driver("spark.dynamicAllocation.enabled", "true")
        .of_driver("spark.shuffle.service.enabled", "true");

    let id = dispatcher.submit(&dynamic).await?;
    let driver = cluster.spark().driver(&id).await?;
    let sandbox = cluster.spark().sandbox(&driver).await?;
    let said = sandbox.await_text("stderr", ":7337").await?;

    check!(said.contains("Failed to connect to"), "{said}");
    dispatcher.kill(&id).await?;
    cluster.finish().await
}
