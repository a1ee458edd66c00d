//! What scenarios start from.

use harness::{Cluster, Result};
use rstest::fixture;

/// The README's cluster: one master, one slave with the README's resources. A fresh one for every scenario.
#[fixture]
pub(crate) async fn cluster() -> Result<Cluster> {
    Cluster::builder().boot().await
}
