//! What the router says where there is nothing to reach.

use harness::await_until::{Probe, Wait};
use harness::client::mesos::FrameworkSpec;
use harness::component::mesos_master;
use harness::evidence::Verdict;
use harness::{Cluster, Result, check, check_contains, deadlines};
use rstest::rstest;

use super::{routed, router};
use crate::fixtures::has_known_shapes;
use crate::redactions::assert_text;

#[rstest]
#[case::service("service/absent/page", "404 Not Found: service not found.\n")]
#[case::agent("slave/absent-S0/state", "404 Not Found: agent `absent-S0` unknown.\n")]
#[case::page("absent.html", "404 Not Found: /absent.html is neither a page nor a service.\n")]
#[tokio::test]
async fn says_that_it_is_not_there(
    #[future] routed: Result<Cluster>,
    #[case] path: &str,
    #[case] sentence: &str,
) -> Verdict {
    let cluster = routed.await?;
    let http = router(&cluster);

    let text = http.get(path).send().await?;
    let page = http.get(path).header("accept", "text/html,*/*").send().await?;

    check!(text.status().as_u16() == 404);
    check!(text.text() == sentence);
    check!(page.status().as_u16() == 404);
    check_contains!(page.header("content-type").unwrap_or_default(), "text/html");
    check_contains!(page.text(), "<h1>404 Not Found</h1>");
    if has_known_shapes() {
        let name = format!("404-{}", path.split(['/', '.']).next().unwrap_or_default());
        assert_text(&cluster, "admin-router", &name, &page.text());
    }
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn says_which_service_does_not_answer(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let page = format!("http://{}:1", cluster.slave(1)?.address());
    let silent = FrameworkSpec::new("silent").webui_url(page);
    let framework = cluster.framework(silent).await?;

    let answer = router(&cluster).get("service/silent/").send().await?;

    check!(answer.status().as_u16() == 502);
    check!(answer.text() == "502 Bad Gateway: the service silent does not answer.\n");
    framework.finish().await?;
    cluster.finish().await
}

/// A service whose place nobody can tell is not a service that is not there.
#[rstest]
#[tokio::test]
async fn says_that_no_master_answers(#[future] routed: Result<Cluster>) -> Verdict {
    let cluster = routed.await?;
    let http = router(&cluster);

    cluster.kill(&cluster.master(), mesos_master::NAME).await?;

    for (path, sentence) in [
        ("mesos/state", "the leading Mesos master does not answer."),
        ("slave/absent-S0/state", "cache state is invalid"),
        ("service/absent/", "invalid Mesos state cache"),
    ] {
        let answer = Wait::that("the router has noticed", deadlines::HTTP_REQUEST)
            .until(async || match http.get(path).send().await {
                // For a second it may still be sent on to the master that was there.
                Ok(answer) if answer.status().as_u16() == 502 => Probe::NotYet(answer.text()),
                Ok(answer) => Probe::Ready(answer),
                Err(error) => Probe::Broken(error),
            })
            .await?;
        check!(answer.status().as_u16() == 503);
        check_contains!(answer.text(), format!("503 Service Unavailable: {sentence}"));
    }
    let metadata = http.get("metadata").send().await?;
    check!(metadata.status().as_u16() == 200, "the router itself lives on");
    cluster.finish().await
}
