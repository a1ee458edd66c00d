//! What the router serves itself.

use harness::component::admin_router;
use harness::docker::exec::ExecSpec;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::Value;

use super::{routed, router};
use crate::fixtures::has_known_shapes;
use crate::redactions::{assert_document, assert_text};

/// curl's exit code where a certificate is signed by nobody it knows.
const UNKNOWN_ISSUER: i64 = 60;

#[rstest]
#[case::mesos("mesos")]
#[case::marathon("marathon")]
#[case::mesos_dns("mesos_dns")]
#[tokio::test]
async fn redirects_to_the_final_slash(#[future] routed: Result<Cluster>, #[case] name: &str) -> Verdict {
    let cluster = routed.await?;
    let http = router(&cluster);

    let answer = http.get(name).query("a", "b").without_redirects().send().await?;

    check!(answer.status().as_u16() == 301);
    let location = answer.header("location").unwrap_or_default().to_owned();
    check!(location == format!("http://{}/{name}/?a=b", cluster.master().address()));
    cluster.finish().await
}

#[tokio::test]
async fn says_where_and_what_the_cluster_is() -> Verdict {
    let cluster = Cluster::builder()
        .admin_router()
        .file(admin_router::NAME, "/etc/mesosphere/cluster-id", "f7a6b9a4-cluster\n")
        .boot()
        .await?;
    let http = router(&cluster);

    let metadata = http.get("metadata").send().await?.ok()?;

    if has_known_shapes() {
        assert_text(&cluster, "admin-router", "metadata", &metadata.text());
    }
    let address = cluster.master().address();
    check!(metadata.text() == format!("{{\"PUBLIC_IPV4\": \"{address}\", \"CLUSTER_ID\": \"f7a6b9a4-cluster\"}}\n"));
    check_contains!(metadata.header("content-type").unwrap_or_default(), "application/json");
    let version: Value = http.get("dcos-metadata/dcos-version.json").send().await?.json()?;
    check!(version["version"].is_string(), "a file of dcos-metadata is served");
    if has_known_shapes() {
        assert_document(&cluster, "admin-router", "dcos-version", &version);
        let page = http.get("").send().await?.ok()?;
        assert_text(&cluster, "admin-router", "index", &page.text());
    }
    let capabilities = http.get("capabilities").send().await?;
    check!(
        capabilities.status().as_u16() == 404,
        "dcoscli 0.3.6 takes a cluster that has capabilities for a newer one"
    );
    cluster.finish().await
}

/// The certificate is the image's own: who knows it can be sure of the router, and nobody else trusts it.
#[rstest]
#[tokio::test]
async fn serves_over_tls(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let master = cluster.master();
    let name = format!("master.mesos:{}:{}", admin_router::TLS_PORT, master.address());
    let curl = |options: &[&str]| {
        let words = ["curl", "-sS", "--resolve", &name, "https://master.mesos/mesos/version"];
        ExecSpec::new(words.iter().chain(options).copied())
    };

    let trusted = master
        .exec(admin_router::NAME, curl(&["--cacert", admin_router::CERTIFICATE]))
        .await?;
    let unknown = master.exec(admin_router::NAME, curl(&[])).await?;

    let direct = router(&cluster).get("mesos/version").send().await?.ok()?;
    check!(trusted.success()?.stdout == direct.text());
    check!(unknown.exit_code == UNKNOWN_ISSUER);
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn compresses_pages_and_documents(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let http = router(&cluster);

    for path in ["", "style.css", "mesos/master/state"] {
        let plain = http.get(path).send().await?.ok()?;
        let packed = http.get(path).header("accept-encoding", "gzip").send().await?.ok()?;

        check!(plain.header("content-encoding").is_none(), "nobody asked for it");
        check!(packed.header("content-encoding") == Some("gzip"));
        check!(packed.body().starts_with(b"\x1f\x8b"), "{path:?} is a gzip stream");
        check!(packed.body().len() < plain.body().len());
    }
    check_contains!(http.get("").send().await?.text(), "Admin Router");
    cluster.finish().await
}
