//! The dispatcher's REST API: what it refuses, in its own words (Spark 1.6.0, `RestSubmissionServer`).

use harness::client::http::Method;
use harness::evidence::Verdict;
use harness::workload::spark::Submission;
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::{Value, json};

use super::dispatched;

/// A path that is none, and the sentence for it.
const PATHS: [(&str, u16, &str); 6] = [
    ("", 400, "Missing protocol version."),
    ("v1", 400, "Missing the /submissions prefix."),
    (
        "v1/submissions",
        400,
        "Missing an action: please specify one of /create, /kill, or /status.",
    ),
    (
        "v1/submissions/what",
        400,
        "Missing an action: please specify one of /create, /kill, or /status.",
    ),
    ("v2/submissions/create", 468, "Unknown protocol version 'v2'."),
    (
        "v1/submissions/status",
        400,
        "Submission ID is missing in status request.",
    ),
];

#[rstest]
#[tokio::test]
async fn path_that_is_none_is_told(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let dispatcher = cluster.spark().dispatcher().await?;

    for (path, status, sentence) in PATHS {
        let (code, answer) = dispatcher.document(Method::GET, path, None).await?;
        check!(code == status, "{path}: {answer}");
        check!(answer["action"] == "ErrorResponse" && answer["serverSparkVersion"] == "1.6.0");
        check_contains!(answer["message"].as_str().unwrap_or_default(), sentence, "{path}");
        let highest = if status == 468 { json!("v1") } else { Value::Null };
        check!(answer["highestProtocolVersion"] == highest);
    }
    let (code, answer) = dispatcher.document(Method::POST, "v1/submissions/kill/", None).await?;
    check!(code == 400 && answer["message"] == "Submission ID is missing in kill request.");
    cluster.finish().await
}

/// What is wrong with a jar shows when the driver's task ends, and its sandbox says why.
#[rstest]
#[case::missing("file:/tmp/mesos/no-such.jar", "org.example.Main", "TASK_FAILED", None)]
#[case::no_jar(
    "file:/etc/hostname",
    "org.example.Main",
    "TASK_F",
    Some("ClassNotFoundException: org.example.Main")
)]
#[case::class(
    harness::workload::spark::EXAMPLES,
    "org.example.Main",
    "TASK_F",
    Some("ClassNotFoundException: org.example.Main")
)]
#[tokio::test]
async fn driver_that_cannot_start_says_why(
    #[future] dispatched: Result<Cluster>,
    #[case] jar: &str,
    #[case] class: &str,
    #[case] state: &str,
    #[case] says: Option<&str>,
) -> Verdict {
    let cluster = dispatched.await?;
    let dispatcher = cluster.spark().dispatcher().await?;

    let id = dispatcher.submit(&Submission::new(jar, class)).await?;
    let done = dispatcher
        .await_state(&id, harness::workload::spark::DriverState::Finished)
        .await?;

    check_contains!(done.message.unwrap_or_default(), format!("state: {state}"));
    if let Some(says) = says {
        let driver = cluster.spark().driver(&id).await?;
        check_contains!(cluster.spark().sandbox(&driver).await?.text("stderr").await?, says);
    }
    cluster.finish().await
}
