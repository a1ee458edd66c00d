//! The dispatcher's REST API: what it refuses, in its own words (Spark 1.6.0, `RestSubmissionServer`).

use harness::client::http::Method;
use harness::evidence::Verdict;
use harness::workload::spark::{DriverState, EXAMPLES, Submission};
use harness::{Cluster, Result, check, check_contains};
use rstest::rstest;
use serde_json::{Value, json};

use super::dispatched;

/// Where submissions go.
const CREATE: &str = "v1/submissions/create";

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

/// A body of `create` that is no submission, and the words for it. Spark 1.6.0 does not pass on which field it misses.
const BODIES: [(&str, &str); 9] = [
    (
        "",
        "Malformed request: com.fasterxml.jackson.databind.JsonMappingException: No content to map",
    ),
    (
        "{\"action",
        "Malformed request: com.fasterxml.jackson.core.JsonParseException: Unexpected end-of-input",
    ),
    ("[1]", "SubmitRestMissingFieldException: Action field not found in JSON"),
    ("{}", "SubmitRestMissingFieldException: Action field not found in JSON"),
    (
        r#"{"action": "ErrorResponse", "serverSparkVersion": "1", "message": "m"}"#,
        "Received message of unexpected type ErrorResponse.",
    ),
    (
        r#"{"action": "CreateSubmissionRequest", "appArgs": "10"}"#,
        "JsonMappingException: Can not deserialize instance of java.lang.String[] out of VALUE_STRING token",
    ),
    (
        r#"{"action": "CreateSubmissionRequest", "sparkProperties": []}"#,
        "JsonMappingException: Can not deserialize instance of ",
    ),
    (
        r#"{"action": "CreateSubmissionRequest"}"#,
        "SubmitRestProtocolException: Validation of message CreateSubmissionRequest failed!",
    ),
    (
        r#"{"action": "CreateSubmissionRequest", "clientSparkVersion": "1.6.0", "appResource": "file:/a.jar",
            "sparkProperties": {"spark.app.name": "a"}}"#,
        "SubmitRestMissingFieldException: Main class is missing.",
    ),
];

/// Properties that mean nothing.
const PROPERTIES: [(&str, &str); 7] = [
    ("spark.driver.supervise", "perhaps"),
    ("spark.driver.cores", "many"),
    ("spark.cores.max", "many"),
    ("spark.driver.memory", "much"),
    ("spark.driver.memory", "-5m"),
    ("spark.driver.memory", "1.5g"),
    ("spark.executor.memory", "12 apples"),
];

#[rstest]
#[tokio::test]
async fn malformed_submission_is_told(#[future] dispatched: Result<Cluster>) -> Verdict {
    let cluster = dispatched.await?;
    let dispatcher = cluster.spark().dispatcher().await?;
    let create = async |body: &str| dispatcher.document(Method::POST, CREATE, Some(body)).await;

    for (body, words) in BODIES {
        let (code, answer) = create(body).await?;
        check!(code == 400 && answer["action"] == "ErrorResponse", "{body}: {answer}");
        check_contains!(answer["message"].as_str().unwrap_or_default(), words, "{body}");
    }
    for (name, value) in PROPERTIES {
        let (code, answer) = create(&Submission::pi(10).property(name, value).to_json().to_string()).await?;
        check!(code == 400, "{name}={value}: {answer}");
        let words = "Validation of message CreateSubmissionRequest failed!";
        check_contains!(answer["message"].as_str().unwrap_or_default(), words, "{name}={value}");
    }
    // No class of that name: its Jetty answers, as for a wrong method.
    let unheard = r#"{"action": "Dance"}"#;
    check!(dispatcher.ask(Method::POST, CREATE, Some(unheard)).await?.status() == 500);
    check!(dispatcher.ask(Method::GET, CREATE, None).await?.status() == 405);
    let mut surplus = Submission::pi(10).property("spark.driver.memory", "100g").to_json();
    surplus["surplus"] = json!("x");
    let (code, answer) = create(&surplus.to_string()).await?;
    check!(code == 200 && answer["success"] == true, "{answer}");
    check!(
        answer["unknownFields"] == json!(["surplus"]),
        "what it does not know it names"
    );
    cluster.finish().await
}

/// A driver that cannot start: its jar, its class, its environment and properties of its own; and what says so.
struct Hopeless {
    jar: &'static str,
    class: &'static str,
    memory: &'static str,
    /// With `=` between name and value.
    environment: &'static str,
    of_driver: &'static str,
    /// In its sandbox's `stderr`.
    says: [&'static str; 2],
}

const PI: &str = "org.apache.spark.examples.SparkPi";
const NONE: Hopeless = Hopeless {
    jar: EXAMPLES,
    class: PI,
    memory: "512M",
    environment: "",
    of_driver: "",
    says: ["", ""],
};
const HOPELESS: [Hopeless; 9] = [
    Hopeless {
        jar: "file:/tmp/mesos/no-such.jar",
        says: ["Failed to fetch '/tmp/mesos/no-such.jar'", "No such file or directory"],
        ..NONE
    },
    Hopeless {
        jar: "http://universe.example/no-such.jar",
        says: [
            "Failed to fetch 'http://universe.example/no-such.jar'",
            "HTTP return code 404",
        ],
        ..NONE
    },
    Hopeless {
        jar: "http://127.0.0.1:1/no-such.jar",
        says: ["Failed to fetch 'http://127.0.0.1:1/no-such.jar'", "Connection refused"],
        ..NONE
    },
    Hopeless {
        jar: "file:/etc/hostname",
        says: ["ClassNotFoundException: org.apache.spark.examples.SparkPi", ""],
        ..NONE
    },
    Hopeless {
        class: "org.example.Main",
        says: ["ClassNotFoundException: org.example.Main", ""],
        ..NONE
    },
    Hopeless {
        environment: "MESOS_NATIVE_JAVA_LIBRARY=/nowhere/libmesos.so",
        says: [
            "Failed to load native Mesos library from /nowhere/libmesos.so",
            "UnsatisfiedLinkError: Can't load library: /nowhere/libmesos.so",
        ],
        ..NONE
    },
    Hopeless {
        environment: "MESOS_NATIVE_JAVA_LIBRARY=/etc/hostname",
        says: [
            "Failed to load native Mesos library from /etc/hostname",
            "UnsatisfiedLinkError: /etc/hostname: /etc/hostname: file too short",
        ],
        ..NONE
    },
    Hopeless {
        of_driver: "spark.storage.memoryMapThreshold=much",
        says: ["NumberFormatException: Size must be specified as bytes (b)", "much"],
        ..NONE
    },
    Hopeless {
        memory: "256M",
        says: ["System memory ", " must be at least "],
        ..NONE
    },
];

impl Hopeless {
    fn submission(&self) -> Value {
        let mut driver = Submission::new(self.jar, self.class)
            .property("spark.driver.memory", self.memory)
            .property("spark.driver.cores", "0.1");
        if let Some((name, value)) = self.of_driver.split_once('=') {
            driver = driver.of_driver(name, value);
        }
        let mut message = driver.to_json();
        if let Some((name, value)) = self.environment.split_once('=') {
            message["environmentVariables"][name] = json!(value);
        }
        message
    }
}

/// It is taken, its task fails, and its sandbox says why: all of them at once.
#[tokio::test]
async fn driver_that_cannot_start_says_why() -> Verdict {
    let builder = Cluster::builder().docker().marathon().mesos_dns();
    let builder = builder.admin_router().universe();
    // One offer that all of them fit.
    let builder = builder.resources(1, "cpus:6;mem:6500;disk:20000;ports:[31000-32000]")?;
    let cluster = builder.beside(1500).boot().await?;
    let spark = cluster.spark();
    let dispatcher = spark.install_app().await?;
    let mut submitted = Vec::new();
    for driver in &HOPELESS {
        let (code, answer) = dispatcher
            .document(Method::POST, CREATE, Some(&driver.submission().to_string()))
            .await?;
        check!(code == 200 && answer["success"] == true, "{answer}");
        submitted.push((driver, answer["submissionId"].as_str().unwrap_or_default().to_owned()));
    }

    for (driver, id) in submitted {
        let ended = dispatcher.await_state(&id, DriverState::Finished).await?;

        let status = ended.message.unwrap_or_default();
        check_contains!(status, "state: TASK_FAILED", "{}", driver.says[0]);
        if driver.says[0].starts_with("Failed to fetch") {
            check_contains!(status, "Failed to fetch all URIs for container");
        }
        let output = spark.sandbox(&spark.driver(&id).await?).await?.text("stderr").await?;
        for words in driver.says {
            check_contains!(output, words);
        }
    }
    cluster.finish().await
}
