//! The messages of the submission protocol, version 1 (Spark 1.6.0, `org.apache.spark.deploy.rest`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{EXAMPLES, IMAGE};

/// What is submitted. Built up, then [`Dispatcher::submit`](super::Dispatcher::submit).
#[derive(Clone, Debug)]
pub struct Submission {
    version: String,
    jar: String,
    class: String,
    args: Vec<String>,
    properties: BTreeMap<String, String>,
    /// What the JVMs of driver and executors are told: Spark 1.6's dispatcher passes no properties on.
    options: BTreeMap<String, String>,
}

impl Submission {
    /// A program in a jar that every slave can fetch: in the Docker image of the package, with a small driver.
    #[must_use]
    pub fn new(jar: &str, class: &str) -> Self {
        let submission = Submission {
            version: super::VERSION.to_owned(),
            jar: jar.to_owned(),
            class: class.to_owned(),
            args: Vec::new(),
            properties: BTreeMap::new(),
            options: BTreeMap::new(),
        };
        submission
            .property("spark.app.name", class)
            .property("spark.driver.memory", "512M")
            .property("spark.driver.cores", "0.5")
            .property("spark.executor.memory", "512M")
            .property("spark.cores.max", "1")
            .image(IMAGE)
    }

    /// README "Example App": SparkPi with so many slices, as `run-example.sh` submits it.
    #[must_use]
    pub fn pi(slices: u32) -> Self {
        Submission::new(EXAMPLES, "org.apache.spark.examples.SparkPi").args([slices.to_string()])
    }

    /// Of another version of Spark than the README's.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The program's arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// A property that the dispatcher reads.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A property that the driver reads.
    #[must_use]
    pub fn of_driver(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The Docker image of driver and executors.
    #[must_use]
    pub fn image(self, image: &str) -> Self {
        const IMAGE_PROPERTY: &str = "spark.mesos.executor.docker.image";
        self.property(IMAGE_PROPERTY, image).of_driver(IMAGE_PROPERTY, image)
    }

    /// The message `CreateSubmissionRequest`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut properties = self.properties.clone();
        let environment = if self.version.starts_with("1.") {
            let options = self.options.iter().map(|(name, value)| format!("-D{name}={value}"));
            json!({"SPARK_JAVA_OPTS": options.collect::<Vec<_>>().join(" ")})
        } else {
            // Later dispatchers pass every property on.
            properties.extend(self.options.clone());
            json!({})
        };
        json!({
            "action": "CreateSubmissionRequest",
            "clientSparkVersion": self.version,
            "appResource": self.jar,
            "mainClass": self.class,
            "appArgs": self.args,
            "sparkProperties": properties,
            "environmentVariables": environment,
        })
    }
}

/// The message `CreateSubmissionResponse`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Created {
    /// Whether it was taken.
    pub success: bool,
    /// The driver's id, which its task has too.
    #[serde(default)]
    pub submission_id: String,
    /// Why it was not taken.
    pub message: Option<String>,
    /// The dispatcher's version.
    pub server_spark_version: String,
}

/// The message `KillSubmissionResponse`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Killed {
    /// Whether there was something to kill.
    pub success: bool,
    /// What was done, or why nothing.
    pub message: String,
}

/// The message `SubmissionStatusResponse`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// False where the driver is not known.
    pub success: bool,
    /// As in `RUNNING`.
    pub driver_state: DriverState,
    /// The last status of its task, in protobuf's text format.
    pub message: Option<String>,
}

/// What a driver comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum DriverState {
    /// It waits for an offer.
    Queued,
    /// Its task was launched.
    Running,
    /// Its task has ended, in whatever state.
    Finished,
    /// Its task failed, and is to be launched again.
    Retrying,
    /// The dispatcher does not know it.
    NotFound,
}

impl fmt::Display for DriverState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DriverState::Queued => "QUEUED",
            DriverState::Running => "RUNNING",
            DriverState::Finished => "FINISHED",
            DriverState::Retrying => "RETRYING",
            DriverState::NotFound => "NOT_FOUND",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_what_the_readers_client_sent() {
        let sent = Submission::pi(10).to_json();
        assert_eq!(sent["appResource"], EXAMPLES);
        assert_eq!(sent["appArgs"], json!(["10"]));
        assert_eq!(sent["sparkProperties"]["spark.driver.cores"], "0.5");
        let options = "-Dspark.mesos.executor.docker.image=mesosphere/spark:1.6.0";
        assert_eq!(sent["environmentVariables"]["SPARK_JAVA_OPTS"], options);
    }

    #[test]
    fn an_answer_says_what_it_leaves_out() {
        let taken: Created =
            serde_json::from_str(r#"{"success": false, "serverSparkVersion": "1.6.0", "message": "full"}"#).unwrap();
        assert_eq!(
            (taken.submission_id.as_str(), taken.message.as_deref()),
            ("", Some("full"))
        );
        let status: Status = serde_json::from_str(r#"{"success": false, "driverState": "NOT_FOUND"}"#).unwrap();
        assert_eq!(status.driver_state, DriverState::NotFound);
    }
}
