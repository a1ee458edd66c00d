//! Refusals: each documented one with its status and its whole body. `errors.json` has them.

use harness::client::http::Method;
use harness::client::marathon::AppSpec;
use harness::evidence::{Failure, Verdict};
use harness::{Cluster, Result, check};
use rstest::rstest;
use serde_json::{Value, json};

use super::{SLEEPS, cluster};

/// Sends every request of one part of the table, and expects its status and its answer.
async fn all_refused(cluster: &Cluster, part: &str) -> std::result::Result<(), Failure> {
    let table: Value = serde_json::from_str(include_str!("errors.json")).expect("the table is JSON");
    for refusal in table[part].as_array().expect("the table has this part") {
        let text = |key: &str| refusal[key].as_str().expect("a text");
        let asked = format!("{} {} {}", text("method"), text("path"), refusal["body"]);
        let method: Method = text("method").parse().expect("a method of HTTP");
        let body = Some(&refusal["body"]).filter(|body| !body.is_null());
        let got = cluster.marathon().ask(method, text("path"), body).await?;
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
