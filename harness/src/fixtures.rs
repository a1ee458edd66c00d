//! What a scenario starts from, as [rstest](https://docs.rs/rstest) fixtures.
//!
//! A fixture is asked for by name: import it, and call an argument of the test as it is called.
//!
//! ```no_run
//! use harness::prelude::*;
//! use rstest::rstest;
//!
//! #[rstest]
//! #[tokio::test]
//! async fn one_agent_is_registered(#[future] cluster: Result<Cluster>) -> Verdict {
//!     let cluster = cluster.await?;
//!     check!(cluster.mesos().agents().await?.len() == 1);
//!     cluster.finish().await
//! }
//! ```

use rstest::fixture;

use crate::{Cluster, Result};

/// One master and one agent, of the default stack or of the one that [`HARNESS_STACK`](crate::stack::STACK_VARIABLE)
/// names, for this test alone. [`Cluster::builder`] describes other topologies.
///
/// # Errors
/// As [`ClusterBuilder::boot`](crate::cluster::ClusterBuilder::boot).
#[fixture]
pub async fn cluster() -> Result<Cluster> {
    Cluster::builder().boot().await
}
