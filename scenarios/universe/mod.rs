//! Packages through the real dcos CLI: sources that the cluster's Universe serves, installs of what they have.

mod certify;
mod install;
mod repositories;

use harness::docker::exec::{ExecOutput, ExecSpec};
use harness::{Cluster, Result};
use rstest::fixture;

use crate::dcos_cli::dcos;

/// A cluster with packages, as its client has downloaded their descriptions.
#[fixture]
async fn updated() -> Result<Cluster> {
    let cluster = packaged().await?;
    dcos(&cluster, &["package", "update"]).await?.success()?;
    Ok(cluster)
}

/// What `dcos package …` reaches.
#[fixture]
async fn packaged() -> Result<Cluster> {
    Cluster::builder().marathon().admin_router().universe().boot().await
}

/// Runs `dcos` on what a person types.
async fn answered(cluster: &Cluster, args: &[&str], typed: &str) -> Result<ExecOutput> {
    let words = std::iter::once("dcos").chain(args.iter().copied());
    cluster.toolbox().await?.run(ExecSpec::new(words).stdin(typed)).await
}

/// Puts a file into the toolbox, and gives its path.
async fn written<'n>(cluster: &Cluster, path: &'n str, text: &str) -> Result<&'n str> {
    let write = ExecSpec::new(["sh", "-c", "cat >\"$1\"", "sh", path]).stdin(text);
    cluster.toolbox().await?.run(write).await?.success()?;
    Ok(path)
}
