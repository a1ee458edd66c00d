//! What Marathon answers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An app (0.13 `docs/docs/rest-api/public/api/v2/schema/AppDefinition.json`), as it should be and as it is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its id, with a slash first.
    pub id: String,
    /// What it runs.
    pub cmd: Option<String>,
    /// How many tasks it should have.
    pub instances: u32,
    /// When it was changed last.
    pub version: String,
    /// Its service ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Tasks that do not run yet.
    #[serde(default)]
    pub tasks_staged: u32,
    /// Tasks that run.
    #[serde(default)]
    pub tasks_running: u32,
    /// Of those, tasks that pass all health checks; none of an app without any.
    #[serde(default)]
    pub tasks_healthy: u32,
    /// Of those, tasks that do not.
    #[serde(default)]
    pub tasks_unhealthy: u32,
    /// The deployments that change it.
    #[serde(default)]
    pub deployments: Vec<DeploymentId>,
    /// Its tasks.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// How a task of it failed last.
    pub last_task_failure: Option<LastFailure>,
}

/// The id of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DeploymentId {
    /// The id.
    pub id: String,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id, also for Mesos.
    pub id: String,
    /// Its app.
    pub app_id: String,
    /// The host name of its agent.
    pub host: String,
    /// Its ports there.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// `TASK_RUNNING` and the like.
    pub state: Option<String>,
    /// When it was launched.
    pub staged_at: Option<String>,
    /// When it ran first.
    pub started_at: Option<String>,
    /// The version of its app.
    pub version: String,
    /// Its agent's id.
    pub slave_id: Option<String>,
    /// What its health checks found out.
    #[serde(default)]
    pub health_check_results: Vec<HealthResult>,
}

/// What a health check found out about a task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthResult {
    /// True where the last probe was passed.
    pub alive: bool,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// When it was passed first.
    pub first_success: Option<String>,
}

/// How a task failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// The task.
    pub task_id: String,
    /// The state it ended in.
    pub state: String,
    /// What Mesos said.
    pub message: String,
    /// The host it ran on.
    pub host: String,
}

/// The answer to a change: what it made, and the deployment that carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The version that the change has.
    pub version: String,
    /// The deployment.
    pub deployment_id: String,
}

/// A deployment under way.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The apps that it changes.
    pub affected_apps: Vec<String>,
    /// The step that is being made, from 1.
    pub current_step: u32,
    /// How many there are.
    pub total_steps: u32,
    /// What is done now.
    pub current_actions: Vec<Step>,
}

/// Something that a deployment does with one app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// `StartApplication`, `ScaleApplication`, `RestartApplication` or `StopApplication`.
    pub action: String,
    /// The app.
    pub app: String,
}

/// An app that waits to be launched.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueItem {
    /// The app.
    pub app: App,
    /// How many tasks of it are missing.
    pub count: u32,
    /// How long it waits after failures.
    pub delay: Delay,
    /// What became of offers meanwhile.
    pub processed_offers_summary: Option<OfferSummary>,
}

/// How long an app waits after failures.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delay {
    /// Seconds that are left.
    pub time_left_seconds: u64,
    /// True where none are.
    pub overdue: bool,
}

/// What became of offers while an app waited.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfferSummary {
    /// Offers looked at.
    pub processed_offers_count: u64,
    /// Of those, offers that did not suit it.
    pub unused_offers_count: u64,
    /// Each reason there is, with how many offers it stood against.
    #[serde(default)]
    pub reject_summary_last_offers: Vec<OfferReason>,
}

/// A reason against offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OfferReason {
    /// `InsufficientCpus` and the like.
    pub reason: String,
    /// Offers refused for it.
    pub declined: u64,
    /// Offers looked at for it.
    pub processed: u64,
}

impl QueueItem {
    /// The reasons that stood against the last offers.
    #[must_use]
    pub fn reasons(&self) -> Vec<&str> {
        let summary = self.processed_offers_summary.iter();
        let all = summary.flat_map(|summary| &summary.reject_summary_last_offers);
        all.filter(|one| one.declined > 0)
            .map(|one| one.reason.as_str())
            .collect()
    }
}

/// `GET /v2/info`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// `marathon`.
    pub name: String,
    /// The version whose interface it has.
    pub version: String,
    /// True where the one that answered leads.
    pub elected: Option<bool>,
    /// `host:port` of the leader.
    pub leader: Option<String>,
    /// Its framework's id.
    pub framework_id: Option<String>,
}

/// The versions of an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Versions {
    /// Times, the newest first.
    pub versions: Vec<String>,
}
