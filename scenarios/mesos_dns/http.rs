//! The HTTP interface.

use harness::client::PortRanges;
use harness::client::http::Method;
use harness::client::mesos::{Discovery, TaskSpec};
use harness::component::mesos_dns;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check};
use serde_json::{Value, json};

use super::{await_answers, cluster, framework, running};
use crate::redactions::assert_document;

async fn document(cluster: &Cluster, path: &str) -> Result<Value> {
    cluster
        .master()
        .http(mesos_dns::HTTP_PORT)
        .get(path)
        .send()
        .await?
        .json()
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
        assert_document(&cluster, "mesos-dns", name, &document);
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

#[tokio::test]
async fn what_is_not_served_is_told() -> Verdict {
    let cluster = cluster().await?;
    let http = cluster.master().http(mesos_dns::HTTP_PORT);
    let version = |method| http.request(method, "v1/version");

    for (request, status, message) in [
        (http.get("v1/nothing"), 404, "404: Page Not Found"),
        (http.get("v1/hosts/leader.mesos/ports"), 501, "To be implemented..."),
        (version(Method::DELETE), 405, "405: Method Not Allowed"),
        (
            version(Method::GET).header("accept", "text/html"),
            406,
            "406: Not Acceptable",
        ),
        (
            version(Method::GET).header("content-type", "text/plain"),
            415,
            "415: Unsupported Media Type",
        ),
    ] {
        let answer = request.send().await?;
        check!(answer.status().as_u16() == status);
        check!(answer.text() == message);
    }
    cluster.finish().await
}
