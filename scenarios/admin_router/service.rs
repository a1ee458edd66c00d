//! The route to the pages and interfaces of frameworks.

use harness::client::mesos::FrameworkSpec;
use harness::evidence::Verdict;
use harness::toolbox::FileServer;
use harness::{Cluster, Result, check};
use rstest::rstest;

use super::{routed, router};

/// A framework's page: two files that a browser asks for.
async fn page(cluster: &Cluster) -> Result<FileServer> {
    let files = [
        ("index.html", b"the page\n".to_vec()),
        ("a b.txt", b"with a space\n".to_vec()),
    ];
    FileServer::start(cluster, &files).await
}

#[rstest]
#[tokio::test]
async fn reaches_a_framework_by_name_and_by_id(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let files = page(&cluster).await?;
    let spec = FrameworkSpec::new("/teams/shop").webui_url(files.url(""));
    let framework = cluster.framework(spec).await?;
    let http = router(&cluster);

    for name in ["teams/shop".to_owned(), framework.id().to_string()] {
        let page = http.get(&format!("service/{name}/")).send().await?.ok()?;
        check!(page.text() == "the page\n");
        let file = http.get(&format!("service/{name}/a b.txt")).send().await?.ok()?;
        check!(file.text() == "with a space\n", "what is escaped stays escaped");
    }
    let below = http.get("service/teams/").send().await?;
    check!(below.status().as_u16() == 404, "a part of its name is not it");
    framework.finish().await?;
    cluster.finish().await
}

/// Relative links of a page lead past it without the slash.
#[rstest]
#[tokio::test]
async fn page_without_a_slash_is_redirected(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let files = page(&cluster).await?;
    let framework = cluster
        .framework(FrameworkSpec::new("shop").webui_url(files.url("")))
        .await?;

    let answer = router(&cluster).get("service/shop").without_redirects().send().await?;

    check!(answer.status().as_u16() == 301);
    check!(answer.header("location") == Some("/service/shop/"));
    framework.finish().await?;
    cluster.finish().await
}
