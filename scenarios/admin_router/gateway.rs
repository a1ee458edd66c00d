//! One address for the whole stack.

use harness::await_until::Wait;
use harness::client::http::StatusCode;
use harness::component::mesos_master;
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, check, check_contains, deadlines};
use serde_json::{Value, json};

use super::router;

/// README "Admin Router": the web pages and interfaces of every service, each under its path.
#[tokio::test]
async fn serves_each_service_by_name() -> Verdict {
    let cluster = Cluster::builder().marathon().mesos_dns().admin_router().boot().await?;
    let http = router(&cluster);
    let get = async |path: &str| http.get(path).send().await?.json::<Value>();

    let direct = cluster.master().http(mesos_master::PORT).get("version").send().await?;
    check!(get("mesos/version").await? == direct.json::<Value>()?);
    check!(get("marathon/v2/info").await?["name"] == "marathon");
    check!(
        get("service/marathon/v2/info").await? == get("marathon/v2/info").await?,
        "Marathon is a framework like others"
    );
    check!(get("mesos_dns/v1/version").await?["Service"] == "Mesos-DNS");
    let start = http.get("").send().await?.ok()?.text();
    for path in ["/mesos/", "/marathon/", "/mesos_dns/"] {
        check_contains!(start, format!("href=\"{path}"));
    }
    cluster.finish().await
}

/// The stream never ends, and an event in it is there before the next one.
#[tokio::test]
async fn passes_marathons_events_on() -> Verdict {
    let cluster = Cluster::builder().marathon().admin_router().boot().await?;
    let http = router(&cluster);
    let request = http.get("marathon/v2/events").header("accept", "text/event-stream");
    let (mut stream, ran) = request.open().await?;

    let app = json!({ "id": "/idle", "cmd": "sleep 1000", "instances": 0 });
    http.post_json("marathon/v2/apps", &app)
        .send()
        .await?
        .expect(&[StatusCode::CREATED])?;

    let mut seen = String::new();
    Wait::that("the event of the new app", deadlines::HTTP_REQUEST)
        .for_future(async {
            while !seen.contains("event: deployment_success") {
                let piece = stream.chunk().await.ok().flatten();
                let piece = piece.ok_or_else(|| Error::new(Kind::Answer, "the stream ended").ran(&ran))?;
                seen.push_str(&String::from_utf8_lossy(&piece));
            }
            Ok(())
        })
        .await?;
    check_contains!(seen, "event: api_post_event");
    check_contains!(seen, "\"/idle\"");
    cluster.finish().await
}
