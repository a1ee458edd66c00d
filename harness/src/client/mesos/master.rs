//! A Mesos master: its documents and its operator API.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::OperatorEvents;
use super::files::FilesClient;
use super::operator::{self, AgentList, Frameworks, MasterEntry, Role, Roles, State, Tasks, VersionInfo};
use super::state::{Agent, Agents, MasterState};
use crate::await_until::{Probe, Wait};
use crate::client::http::Document;
use crate::client::{AgentId, Demand, FrameworkId, Http};
use crate::deadlines::{AGENT_REGISTERED, MASTER_LEADING};
use crate::explain::{Constraint, Shortfall};
use crate::{Error, Kind, Result};

/// A client of one master. Requests that only the leader answers are redirected to it by the master itself.
#[derive(Clone, Debug)]
pub struct MasterClient {
    http: Http,
}

/// `/version`.
#[derive(Clone, Debug, Deserialize)]
pub struct Version {
    /// Mesos' version.
    pub version: String,
    /// The commit it was built from.
    pub git_sha: Option<String>,
    /// When it was built.
    pub build_date: Option<String>,
}

#[derive(Deserialize)]
struct Flags {
    flags: BTreeMap<String, String>,
}

/// `/flags`: every flag with its value.
pub(crate) async fn flags(http: &Http) -> Result<BTreeMap<String, String>> {
    http.get("flags")
        .send()
        .await?
        .json::<Flags>()
        .map(|answer| answer.flags)
}

/// `/health`: 200 without a body while the process answers.
pub(crate) async fn health(http: &Http) -> Result<()> {
    http.get("health").send().await?.ok().map(drop)
}

impl MasterClient {
    /// `base` is `http://host:port`.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is no such address.
    pub fn new(base: &str) -> Result<Self> {
        Ok(MasterClient { http: Http::new(base)? })
    }

    /// The same master, for one who says who it is.
    #[must_use]
    pub fn credential(self, principal: &str, secret: &str) -> Self {
        MasterClient {
            http: self.http.credential(principal, secret),
        }
    }

    /// For requests that have no method here.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The files that the master shows: its log.
    #[must_use]
    pub fn files(&self) -> FilesClient {
        FilesClient::of(self.http.clone())
    }

    /// `/state` of the leader.
    ///
    /// # Errors
    /// The request's; see [`Http`].
    pub async fn state(&self) -> Result<Document<MasterState>> {
        Document::read(self.http.get("state").send().await?)
    }

    /// `/slaves` of the leader.
    ///
    /// # Errors
    /// The request's.
    pub async fn slaves(&self) -> Result<Document<Agents>> {
        Document::read(self.http.get("slaves").send().await?)
    }

    /// The registered agents.
    ///
    /// # Errors
    /// The request's.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        self.slaves().await.map(|document| document.typed.slaves)
    }

    /// `/health`: the process answers. It says nothing about leadership.
    ///
    /// # Errors
    /// The request's.
    pub async fn health(&self) -> Result<()> {
        health(&self.http).await
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
        flags(&self.http).await
    }

    /// `/metrics/snapshot`: every metric with its number.
    ///
    /// # Errors
    /// The request's.
    pub async fn metrics(&self) -> Result<BTreeMap<String, f64>> {
        operator::metrics(&self.http).await
    }

    /// Whether its replica of the registry's log votes, as its metric `registrar/log/recovered` says; `None` where its
    /// registry is in memory. May be asked while the master starts.
    ///
    /// # Errors
    /// The request's.
    pub async fn has_registry(&self) -> Result<Option<bool>> {
        operator::is_set(&self.http, "registrar/log/recovered").await
    }

    /// `/redirect`: the leader's base address as this master knows it, or nothing when it knows of none.
    ///
    /// # Errors
    /// The request's, or an answer that is neither a redirect nor 503.
    pub async fn leader(&self) -> Result<Option<String>> {
        let answer = self.http.get("redirect").without_redirects().send().await?;
        match answer.status() {
            StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            StatusCode::TEMPORARY_REDIRECT => {
                let location = answer.header("location");
                let url = location.and_then(|location| self.http.base().join(location).ok());
                let url = url.ok_or_else(|| answer.unexpected("a Location header with the leader's address"))?;
                Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
            }
            _ => Err(answer.unexpected("307 with the leader's address, or 503 without a leader")),
        }
    }

    /// Waits until this master knows a leader and the leader serves `/state`; returns the leader's base address.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with the last reason.
    pub async fn await_leader(&self) -> Result<String> {
        Wait::that(
            format!("the master at {} knows a leader", self.http.authority()),
            MASTER_LEADING,
        )
        .until(async || match self.leader().await {
            Ok(Some(leader)) => match self.state().await {
                Ok(state) if state.elected_time.is_some() => Probe::Ready(leader),
                Ok(_) => Probe::NotYet(format!("{leader} does not lead yet")),
                Err(error) => Probe::NotYet(error.to_string()),
            },
            other => Probe::from_passing(other.map(|_| None), "it knows of no leader"),
        })
        .await
    }

    /// Waits until the agent at `address` (hostname or IP) is registered and active.
    ///
    /// # Errors
    /// [`Kind::Deadline`] with the agents that are registered instead.
    pub async fn await_agent(&self, address: &str) -> Result<Agent> {
        Wait::that(format!("the agent at {address} is registered"), AGENT_REGISTERED)
            .until(async || match self.agents().await {
                Ok(agents) => {
                    let names: Vec<String> = agents.iter().map(|agent| agent.hostname.clone()).collect();
                    match agents.into_iter().find(|agent| agent.is_at(address)) {
                        Some(agent) if agent.active => Probe::Ready(agent),
                        Some(agent) => Probe::NotYet(format!("{} is registered but not active", agent.id)),
                        None => Probe::NotYet(format!("registered: [{}]", names.join(", "))),
                    }
                }
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Holds a demand of `role` against the registered agents.
    ///
    /// # Errors
    /// The request's.
    pub async fn shortfall(&self, demand: &Demand, role: &str, constraints: &[Constraint]) -> Result<Shortfall> {
        let agents: Vec<_> = self.agents().await?.iter().map(|agent| agent.for_role(role)).collect();
        Ok(Shortfall::new(demand, constraints, &agents))
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

    /// GET_FLAGS.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_flags(&self) -> Result<BTreeMap<String, String>> {
        operator::flags(&self.http).await
    }

    /// GET_STATE.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_state(&self) -> Result<State> {
        operator::ask(&self.http, "GET_STATE", None).await
    }

    /// GET_AGENTS.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_agents(&self) -> Result<AgentList> {
        operator::ask(&self.http, "GET_AGENTS", None).await
    }

    /// GET_FRAMEWORKS.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_frameworks(&self) -> Result<Frameworks> {
        operator::ask(&self.http, "GET_FRAMEWORKS", None).await
    }

    /// GET_TASKS.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_tasks(&self) -> Result<Tasks> {
        operator::ask(&self.http, "GET_TASKS", None).await
    }

    /// GET_MASTER: the leading master.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_master(&self) -> Result<MasterEntry> {
        operator::ask(&self.http, "GET_MASTER", None).await
    }

    /// GET_ROLES.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_roles(&self) -> Result<Vec<Role>> {
        operator::ask::<Roles>(&self.http, "GET_ROLES", None)
            .await
            .map(|answer| answer.roles)
    }

    /// TEARDOWN: ends a framework with all its tasks.
    ///
    /// # Errors
    /// The request's.
    pub async fn teardown(&self, framework: &FrameworkId) -> Result<()> {
        let body = json!({ "framework_id": framework.to_v1() });
        operator::tell(&self.http, "TEARDOWN", Some(body)).await
    }

    /// MARK_AGENT_GONE: the agent will never come back, its tasks are gone.
    ///
    /// # Errors
    /// The request's.
    pub async fn mark_agent_gone(&self, agent: &AgentId) -> Result<()> {
        self.tell_of_agent("MARK_AGENT_GONE", agent).await
    }

    /// DEACTIVATE_AGENT: it keeps its tasks and gets no new ones.
    ///
    /// # Errors
    /// The request's.
    pub async fn deactivate_agent(&self, agent: &AgentId) -> Result<()> {
        self.tell_of_agent("DEACTIVATE_AGENT", agent).await
    }

    /// REACTIVATE_AGENT.
    ///
    /// # Errors
    /// The request's.
    pub async fn reactivate_agent(&self, agent: &AgentId) -> Result<()> {
        self.tell_of_agent("REACTIVATE_AGENT", agent).await
    }

    /// DRAIN_AGENT: its tasks are killed, and it gets no new ones.
    ///
    /// # Errors
    /// The request's.
    pub async fn drain_agent(&self, agent: &AgentId, mark_gone: bool) -> Result<()> {
        let body = json!({ "agent_id": agent.to_v1(), "mark_gone": mark_gone });
        operator::tell(&self.http, "DRAIN_AGENT", Some(body)).await
    }

    async fn tell_of_agent(&self, kind: &str, agent: &AgentId) -> Result<()> {
        operator::tell(&self.http, kind, Some(json!({ "agent_id": agent.to_v1() }))).await
    }

    /// Any other call of the operator API; the answer as it came, null without a body.
    ///
    /// # Errors
    /// The request's, or a status other than 200 and 202.
    pub async fn operator_call(&self, call: &Value) -> Result<Value> {
        let answer = self.http.post_json("api/v1", call).send().await?;
        let answer = answer.expect(&[StatusCode::OK, StatusCode::ACCEPTED])?;
        if answer.body().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body()).map_err(|error| {
            Error::new(Kind::Answer, "the answer is not JSON")
                .ran(answer.ran())
                .caused_by(error)
        })
    }

    /// SUBSCRIBE: the cluster's events from now on, the first of them with what there is.
    ///
    /// # Errors
    /// The request's.
    pub async fn subscribe(&self) -> Result<OperatorEvents> {
        OperatorEvents::subscribe(&self.http).await
    }
}
