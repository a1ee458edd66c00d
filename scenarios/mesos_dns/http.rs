//! The HTTP interface.

use harness::client::PortRanges;
use harness::client::mesos::{Discovery, TaskSpec};
use harness::component::mesos_dns;
use harness::evidence::Verdict;
use harness::evidence::place::workspace_root;
use harness::{Cluster, Result, check};
use serde_json::{Value, json};

use super::{await_answers, cluster, framework, running};

async fn document(cluster: &Cluster, path: &str) -> Result<Value> {
    cluster
        .master()
        .http(mesos_dns::HTTP_PORT)
        .get(path)
        .send()
        .await?
        .json()
}

/// Compares a document with `snapshots/mesos-dns/<name>.snap`. The cluster's network, the time and this machine's
/// resolvers are kept out of it.
fn assert_document(cluster: &Cluster, name: &str, document: &Value) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(workspace_root().join("snapshots/mesos-dns"));
    settings.set_prepend_module_to_snapshot(false);
    let subnet = cluster.master().address().to_string();
    let subnet = subnet
        .rsplit_once('.')
        .map_or("", |(subnet, _)| subnet)
        .replace('.', r"\.");
    settings.add_filter(&format!(r"\b{subnet}\."), "[subnet].");
    settings.add_redaction(".Serial", "[serial]");
    settings.add_redaction(".SOASerial", "[serial]");
    settings.add_redaction(".Resolvers", "[resolvers]");
    settings.bind(|| insta::assert_json_snapshot!(name, document));
}

#[tokio::test]
async fn documents() -> Verdict {
    let cluster = cluster().await?;
    let shell = cluster.shell(&cluster.master()).await?;
    let framework = framework(&cluster, "team").await?;
    let web = Discovery::named("web").named_port(31000, "tcp", "http").port(31001);
    let web = TaskSpec::command("web", "sleep 1000")
        .id("web.1")
        .named_ports(PortRanges::range(31000, 31001))
        .discovery(web);
    let _task = running(&framework, web).await?;
    await_answers(&shell, &["web.team.mesos"], &[cluster.slave(1)?.address().to_string()]).await?;

    for (name, path) in [
        ("version", "v1/version"),
        ("config", "v1/config"),
        ("hosts", "v1/hosts/web.team.mesos"),
        ("services", "v1/services/_web._tcp.team.mesos."),
        ("enumerate", "v1/enumerate"),
        ("axfr", "v1/axfr"),
    ] {
        let document = document(&cluster, path).await?;
        check!(!document.is_null(), "{path} is a document");
        assert_document(&cluster, name, &document);
    }
    framework.finish().await?;
    cluster.finish().await
}

/// Admin Router asks for services that may not be there, and reads the first entry.
#[tokio::test]
async fn missing_names_are_empty() -> Verdict {
    let cluster = cluster().await?;

    let host = document(&cluster, "v1/hosts/nobody.mesos").await?;
    let service = document(&cluster, "v1/services/_nobody._tcp.marathon.mesos").await?;

    check!(host == json!([{ "host": "", "ip": "" }]));
    check!(service == json!([{ "service": "", "host": "", "ip": "", "port": "" }]));
    cluster.finish().await
}
