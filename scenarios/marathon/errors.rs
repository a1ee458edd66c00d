//! Refusals: each documented one with its status and its whole body. `errors.json` has them.

use harness::await_until::{Probe, Wait};
use harness::client::http::{Method, StatusCode};
use harness::client::marathon::AppSpec;
use harness::component::marathon;
use harness::deadlines::HTTP_REQUEST;
use harness::error::Context;
use harness::evidence::{Failure, Verdict};
use harness::{Cluster, Kind, Result, check};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{SLEEPS, cluster};

/// Sends every request of one part of the table, and expects its status and its answer.
async fn all_refused(cluster: &Cluster, part: &str) -> std::result::Result<(), Failure> {
    let table: Value = serde_json::from_str(include_str!("errors.json")).expect("the table is JSON");
    for refusal in table[part].as_array().expect("the table has this part") {
        let text = |key: &str| refusal[key].as_str().expect("a text");
        let asked = format!("{} {} {}", text("method"), text("path"), refusal["body"]);
        let method: Method = text("method").parse().expect("a method of HTTP");
        let mut request = cluster.marathon().http().request(method, text("path"));
        for (name, value) in refusal["query"].as_object().into_iter().flatten() {
            request = request.query(name, value.as_str().expect("a text"));
        }
        if !refusal["body"].is_null() {
            request = request.body(refusal["body"].to_string());
            request = request.header("content-type", refusal["type"].as_str().unwrap_or("application/json"));
        }
        let got = request.header("accept", "application/json").send().await?;
        let (status, answer) = (got.status().as_u16(), got.text());
        check!(
            refusal["status"] == status,
            "{asked} has the status {}, not {status} {answer}",
            refusal["status"]
        );
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        check!(
            answer == refusal["answer"],
            "{asked} is answered {}, not {answer}",
            refusal["answer"]
        );
    }
    let apps: Value = cluster.marathon().ask(Method::GET, "v2/apps", None).await?.json()?;
    check!(apps == json!({ "apps": [] }), "nothing is kept of what was refused");
    Ok(())
}

#[rstest]
#[tokio::test]
async fn senseless_requests_are_refused(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;

    all_refused(&cluster, "senseless").await?;

    let marathon = cluster.marathon();
    for (body, message) in [
        ("{\"id\":", "Invalid JSON"),
        (" ", "Please specify data in JSON format"),
    ] {
        let answer = marathon
            .http()
            .request(Method::POST, "v2/apps")
            .json_text(body)
            .send()
            .await?;
        check!(answer.status().as_u16() == 400);
        let answer: Value = answer.json_of_any()?;
        check!(answer["message"] == message);
        check!(answer["details"].is_string(), "the parser's words are there: {answer}");
    }
    let unread = marathon.http().get("v2/apps").query("label", "a==").send().await?;
    check!(unread.status().as_u16() == 422);
    let reason = unread.json_of_any::<Value>()?["message"].to_string();
    check!(
        reason.starts_with("\"Can not parse label selector a==. Reason: "),
        "{reason}"
    );
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn wrong_shapes_are_placed(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    all_refused(&cluster, "wrong shape").await?;
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn broken_rules_are_placed(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    all_refused(&cluster, "broken rule").await?;
    cluster.finish().await
}

/// What is not there in something that is.
#[rstest]
#[tokio::test]
async fn missing_parts_of_an_app_are_named(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    marathon.run(&AppSpec::command("/a", SLEEPS)).await?;
    let before = "2016-01-01T00:00:00.000Z";
    let no_version = format!("App '/a' does not exist in version {before}");

    for (method, path, message) in [
        (
            Method::DELETE,
            "v2/apps/a/tasks/a.x".to_owned(),
            "Task 'a.x' does not exist",
        ),
        (Method::GET, format!("v2/apps/a/versions/{before}"), &no_version),
        (Method::GET, "v2/groups/a".to_owned(), "Group '/a' does not exist"),
    ] {
        let answer = marathon.ask(method, &path, None).await?;
        check!(answer.status().as_u16() == 404, "{path}");
        check!(answer.json_of_any::<Value>()? == json!({ "message": message }));
    }
    let ids = json!({ "ids": ["a.x"] });
    let none = marathon.ask(Method::POST, "v2/tasks/delete", Some(&ids)).await?;
    check!(
        none.ok()?.json_of_any::<Value>()? == json!({ "tasks": [] }),
        "an unknown task among many is passed over"
    );
    let group = json!({ "id": "/g" });
    marathon
        .ask(Method::POST, "v2/groups", Some(&group))
        .await?
        .expect(&[StatusCode::CREATED])?;
    let again = marathon.ask(Method::POST, "v2/groups", Some(&group)).await?;
    check!(again.status().as_u16() == 409);
    let message = "Group /g is already created. Use PUT to change this group.";
    check!(again.json_of_any::<Value>()? == json!({ "message": message }));
    cluster.finish().await
}

/// A Marathon of small limits: two service ports, one app, one request at a time.
#[tokio::test]
async fn limits_are_told() -> Verdict {
    let builder = Cluster::builder().marathon().slaves(0);
    let cluster = builder
        .env(marathon::NAME, "MARATHON_LOCAL_PORT_MAX", "10002")
        .env(marathon::NAME, "MARATHON_MAX_APPS", "1")
        .env(marathon::NAME, "MARATHON_HTTP_MAX_CONCURRENT_REQUESTS", "1")
        .boot()
        .await?;
    let marathon = cluster.marathon();
    let post = async |body: Value| marathon.ask(Method::POST, "v2/apps", Some(&body)).await;

    let ports = post(json!({ "id": "/a", "cmd": SLEEPS, "ports": [0, 0, 0] })).await?;
    let first = post(json!({ "id": "/a", "cmd": SLEEPS })).await?;
    let second = post(json!({ "id": "/b", "cmd": SLEEPS })).await?;

    check!(ports.status().as_u16() == 500);
    let message = "All ports in the range 10000-10002 are already in use";
    check!(ports.json_of_any::<Value>()? == json!({ "message": message }));
    check!(first.status() == StatusCode::CREATED);
    check!(second.status().as_u16() == 422);
    let error = "This Marathon instance may only handle up to 1 Apps! (Override with command line option --max_apps)";
    let details = json!([{ "path": "/", "errors": [error] }]);
    check!(second.json_of_any::<Value>()? == json!({ "message": "Object is not valid", "details": details }));
    let busy = Wait::that("a second request is one too many", HTTP_REQUEST)
        .until(async || {
            // A new one each time: it is refused itself where another request is before it.
            let _slow = match half_a_request(&cluster).await {
                Ok(slow) => slow,
                Err(error) => return Probe::NotYet(error.to_string()),
            };
            match marathon.ask(Method::GET, "v2/apps", None).await {
                Ok(answer) if answer.status().as_u16() == 503 => Probe::Ready(answer),
                Ok(answer) => Probe::NotYet(answer.status().to_string()),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await?;
    let message = "Too many concurrent requests! Allowed: 1.";
    check!(busy.json_of_any::<Value>()? == json!({ "message": message }));
    cluster.finish().await
}

/// A request that is under way as long as this lives: its body does not come.
async fn half_a_request(cluster: &Cluster) -> Result<TcpStream> {
    const HEAD: &[u8] = b"POST /v2/apps HTTP/1.1\r\nHost: marathon\r\nContent-Length: 9\r\n\r\n";
    let sending = async {
        let mut stream = TcpStream::connect((cluster.master().address(), marathon::PORT)).await?;
        stream.write_all(HEAD).await?;
        Ok::<_, std::io::Error>(stream)
    };
    sending
        .await
        .context(Kind::Component, || "Marathon takes no connection".to_owned())
}

/// The two meanings of 409 are told apart by the key `deployments`.
#[rstest]
#[tokio::test]
async fn conflicts_are_told_apart(#[future] cluster: Result<Cluster>) -> Verdict {
    let cluster = cluster.await?;
    let marathon = cluster.marathon();
    let started = marathon
        .create(&AppSpec::command("/a", SLEEPS).with("cpus", json!(1000)))
        .await?;

    let again = json!({ "id": "a", "cmd": SLEEPS });
    let again = marathon.ask(Method::POST, "v2/apps", Some(&again)).await?;
    let locked = marathon
        .ask(Method::PUT, "v2/apps/a", Some(&json!({ "instances": 2 })))
        .await?;
    let clash = json!({ "id": "/b", "cmd": SLEEPS, "ports": [10_000] });
    let clash = marathon.ask(Method::POST, "v2/apps", Some(&clash)).await?;

    check!(again.status().as_u16() == 409);
    check!(again.json_of_any::<Value>()? == json!({ "message": "An app with id [/a] already exists." }));
    check!(locked.status().as_u16() == 409);
    let message = "App is locked by one or more deployments. Override with the option '?force=true'. \
                   View details at '/v2/deployments/<DEPLOYMENT_ID>'.";
    let expected = json!({ "message": message, "deployments": [{ "id": started.deployment_id }] });
    check!(locked.json_of_any::<Value>()? == expected);
    check!(clash.status().as_u16() == 422);
    let error = "Requested service port 10000 conflicts with a service port in app /a";
    let details = json!([{ "path": "/portDefinitions", "errors": [error] }]);
    check!(clash.json_of_any::<Value>()? == json!({ "message": "Object is not valid", "details": details }));
    cluster.finish().await
}
