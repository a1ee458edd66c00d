//! Event subscriptions: every event is posted to the URLs that asked for it.

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use harness::await_until::Wait;
use harness::client::http::Method;
use harness::client::marathon::AppSpec;
use harness::component::marathon;
use harness::deadlines::MARATHON_EVENT;
use harness::evidence::Verdict;
use harness::{Cluster, Error, Kind, Result, check};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::SLEEPS;
use crate::fixtures::listen;

/// So many events may wait to be looked at.
const WAITING: usize = 256;

/// A server that keeps what is posted to it. It ends with the scenario.
struct Receiver {
    url: String,
    posted: mpsc::Receiver<Value>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    async fn start() -> Result<Self> {
        let (sender, posted) = mpsc::channel(WAITING);
        let keep = async move |body: Bytes| {
            // What is no JSON is seen as null; who posts after the scenario's end is not looked at.
            let _ = sender.send(serde_json::from_slice(&body).unwrap_or_default()).await;
        };
        let (listener, address) = listen().await?;
        let app = Router::new().route("/events", post(keep));
        let server = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Receiver {
            url: format!("http://{address}/events"),
            posted,
            server,
        })
    }

    /// The types of the events up to and with the first one of `last`.
    async fn until(&mut self, last: &str) -> Result<Vec<String>> {
        let reading = async {
            let mut kinds = Vec::new();
            while let Some(event) = self.posted.recv().await {
                let kind = event["eventType"].as_str().unwrap_or("not an event").to_owned();
                kinds.push(kind);
                if kinds.last().is_some_and(|kind| kind == last) {
                    return Ok(kinds);
                }
            }
            Err(Error::new(Kind::Internal, "the server of the scenario ended"))
        };
        Wait::that(format!("{last} is posted"), MARATHON_EVENT)
            .for_future(reading)
            .await
    }
}

/// `POST`, `GET` or `DELETE /v2/eventSubscriptions`.
async fn subscription(cluster: &Cluster, method: Method, url: Option<&str>) -> Result<Value> {
    let marathon = cluster.marathon();
    let mut request = marathon.http().request(method, "v2/eventSubscriptions");
    if let Some(url) = url {
        request = request.query("callbackUrl", url);
    }
    request.send().await?.ok()?.json_of_any()
}

/// A subscription is kept in ZooKeeper: who was subscribed before a crash is so afterwards.
#[tokio::test]
async fn subscriber_is_posted_every_event() -> Verdict {
    let mut receiver = Receiver::start().await?;
    let cluster = Cluster::builder()
        .marathon()
        .env(marathon::NAME, "MARATHON_EVENT_SUBSCRIBER", "http_callback")
        .boot()
        .await?;
    let (node, client) = (cluster.master(), cluster.marathon());
    let url = receiver.url.clone();

    let subscribed = subscription(&cluster, Method::POST, Some(&url)).await?;
    client.run(&AppSpec::command("/a", SLEEPS)).await?;

    check!(subscribed["eventType"] == "subscribe_event" && subscribed["callbackUrl"] == url.as_str());
    check!(subscription(&cluster, Method::GET, None).await? == json!({ "callbackUrls": [url] }));
    let mut kinds = receiver.until("deployment_success").await?;
    check!(kinds.iter().any(|kind| kind == "instance_changed_event"));
    kinds.retain(|kind| kind != "instance_changed_event");
    let expected = [
        "subscribe_event",
        "api_post_event",
        "group_change_success",
        "deployment_info",
        "deployment_step_success",
        "deployment_info",
        "status_update_event",
        "deployment_step_success",
        "deployment_success",
    ];
    check!(kinds == expected);

    cluster.kill(&node, marathon::NAME).await?;
    cluster.revive(&node, marathon::NAME).await?;
    client.await_ready().await?;
    client.deployed(&client.scale("/a", 2).await?).await?;
    check!(
        receiver
            .until("deployment_success")
            .await?
            .contains(&"status_update_event".to_owned())
    );

    let gone = subscription(&cluster, Method::DELETE, Some(&url)).await?;
    check!(gone["eventType"] == "unsubscribe_event");
    check!(subscription(&cluster, Method::GET, None).await? == json!({ "callbackUrls": [] }));
    receiver.until("unsubscribe_event").await?;
    client.deployed(&client.scale("/a", 1).await?).await?;
    check!(receiver.posted.try_recv().is_err(), "nothing is posted any more");
    cluster.finish().await
}
