//! A Mesos agent: its documents and its operator API.

use std::collections::BTreeMap;

use serde_json::json;

use super::files::FilesClient;
use super::operator::{self, AgentTasks, Container, Containers, VersionInfo};
use super::state::{AgentState, ContainerEntry};
use super::{master, master::Version};
use crate::Result;
use crate::await_until::{Probe, Wait};
use crate::client::http::Document;
use crate::client::{FrameworkId, Http, TaskId};
use crate::deadlines::{SANDBOX_TEXT, TASK_STATE};

/// A client of one agent.
#[derive(Clone, Debug)]
pub struct AgentClient {
    http: Http,
}

impl AgentClient {
    /// `base` is `http://host:port`.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) when it is no such address.
    pub fn new(base: &str) -> Result<Self> {
        Ok(AgentClient { http: Http::new(base)? })
    }

    /// For requests that have no method here.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The files that the agent shows: its log and its sandboxes.
    #[must_use]
    pub fn files(&self) -> FilesClient {
        FilesClient::of(self.http.clone())
    }

    /// `/state`.
    ///
    /// # Errors
    /// The request's; see [`Http`].
    pub async fn state(&self) -> Result<Document<AgentState>> {
        Document::read(self.http.get("state").send().await?)
    }

    /// `/containers`: the executors' containers.
    ///
    /// # Errors
    /// The request's.
    pub async fn containers(&self) -> Result<Vec<ContainerEntry>> {
        self.http.get("containers").send().await?.json()
    }

    /// `/health`: the process answers. It says nothing about registration.
    ///
    /// # Errors
    /// The request's.
    pub async fn health(&self) -> Result<()> {
        master::health(&self.http).await
    }

    /// `/version`.
    ///
    /// # Errors
    /// The request's.
    pub async fn version(&self) -> Result<Version> {
        self.http.get("version").send().await?.json()
    }

    /// `/flags`: every flag with its value.
    ///
    /// # Errors
    /// The request's.
    pub async fn flags(&self) -> Result<BTreeMap<String, String>> {
        master::flags(&self.http).await
    }

    /// `/metrics/snapshot`: every metric with its number.
    ///
    /// # Errors
    /// The request's.
    pub async fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        operator::metrics(&self.http).await
    }

    /// Whether a master has taken it, as its metric `slave/registered` says. May be asked while the agent starts.
    ///
    /// # Errors
    /// The request's.
    pub async fn is_registered(&self) -> Result<bool> {
        let registered = operator::is_set(&self.http, "slave/registered").await?;
        Ok(registered == Some(true))
    }

    /// GET_VERSION.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_version(&self) -> Result<VersionInfo> {
        operator::version(&self.http).await
    }

    /// GET_HEALTH.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_health(&self) -> Result<bool> {
        operator::healthy(&self.http).await
    }

    /// GET_CONTAINERS, nested and stand-alone ones included.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_containers(&self) -> Result<Vec<Container>> {
        let body = json!({ "show_nested": true, "show_standalone": true });
        operator::ask::<Containers>(&self.http, "GET_CONTAINERS", Some(body))
            .await
            .map(|answer| answer.containers)
    }

    /// GET_TASKS.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_tasks(&self) -> Result<AgentTasks> {
        operator::ask(&self.http, "GET_TASKS", None).await
    }

    /// The sandbox of a task, as the files endpoints take it. Waits for it, since the agent makes it only when the
    /// task has arrived.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) when the agent never shows one.
    pub async fn sandbox(&self, framework: &FrameworkId, task: &TaskId) -> Result<Sandbox> {
        let what = format!("the agent at {} has a sandbox of {task}", self.http.authority());
        let directory = Wait::that(what, TASK_STATE)
            .until(async || match self.state().await {
                Ok(state) => match state.sandbox(framework, task) {
                    Some(directory) => Probe::Ready(directory.to_owned()),
                    None => {
                        let known: Vec<&str> = state.executors(framework).map(|known| known.id.as_str()).collect();
                        Probe::NotYet(format!("executors of {framework} there: [{}]", known.join(", ")))
                    }
                },
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await?;
        Ok(Sandbox {
            files: self.files(),
            directory,
        })
    }
}

/// The directory of one task's executor, through the agent's files endpoints.
#[derive(Clone, Debug)]
pub struct Sandbox {
    files: FilesClient,
    directory: String,
}

impl Sandbox {
    /// The directory's path on the agent.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// A file's path for [`FilesClient`]; `name` is relative to the sandbox.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        format!(
            "{}/{}",
            self.directory.trim_end_matches('/'),
            name.trim_start_matches('/')
        )
    }

    /// Names of the entries, sorted.
    ///
    /// # Errors
    /// The request's.
    pub async fn list(&self) -> Result<Vec<String>> {
        let entries = self.files.browse(&self.directory).await?;
        Ok(entries.iter().map(|entry| entry.name().to_owned()).collect())
    }

    /// A whole file as text, invalid UTF-8 replaced; `name` is relative to the sandbox.
    ///
    /// # Errors
    /// The request's.
    pub async fn text(&self, name: &str) -> Result<String> {
        let bytes = self.files.download(&self.path(name)).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until the file `name` contains `needle`; returns the whole file.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) with what the file contains instead.
    pub async fn await_text(&self, name: &str, needle: &str) -> Result<String> {
        Wait::that(format!("the sandbox file {name} contains `{needle}`"), SANDBOX_TEXT)
            .until(async || match self.text(name).await {
                Ok(text) if text.contains(needle) => Probe::Ready(text),
                Ok(text) => Probe::NotYet(format!("it contains `{}`", text.trim_end())),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// This sandbox's files, for reads by offset.
    #[must_use]
    pub fn files(&self) -> &FilesClient {
        &self.files
    }
}
