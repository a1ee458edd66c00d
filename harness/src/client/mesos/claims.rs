//! What an operator does with an agent's resources: the calls of the master's v1 API (Mesos `docs/operator-http-api.md`).

use serde_json::{Value, json};

use super::master::MasterClient;
use super::operator;
use crate::Result;
use crate::client::AgentId;
use crate::client::resources::{Reserved, Volume};

impl MasterClient {
    /// RESERVE_RESOURCES: reserves what no task holds; an offer of it is rescinded.
    ///
    /// # Errors
    /// The request's; [`Kind::Answer`](crate::Kind::Answer) with 409 where the agent does not have it free.
    pub async fn reserve(&self, agent: &AgentId, reserved: &Reserved) -> Result<()> {
        self.tell_of("RESERVE_RESOURCES", agent, "resources", reserved.to_v1().into())
            .await
    }

    /// UNRESERVE_RESOURCES.
    ///
    /// # Errors
    /// As [`MasterClient::reserve`].
    pub async fn unreserve(&self, agent: &AgentId, reserved: &Reserved) -> Result<()> {
        self.tell_of("UNRESERVE_RESOURCES", agent, "resources", reserved.to_v1().into())
            .await
    }

    /// CREATE_VOLUMES: makes a persistent volume of reserved disk.
    ///
    /// # Errors
    /// As [`MasterClient::reserve`].
    pub async fn create_volume(&self, agent: &AgentId, volume: &Volume) -> Result<()> {
        self.tell_of("CREATE_VOLUMES", agent, "volumes", json!([volume.to_v1()]))
            .await
    }

    /// DESTROY_VOLUMES: destroys a volume that no task has, with what is in it.
    ///
    /// # Errors
    /// As [`MasterClient::reserve`].
    pub async fn destroy_volume(&self, agent: &AgentId, volume: &Volume) -> Result<()> {
        self.tell_of("DESTROY_VOLUMES", agent, "volumes", json!([volume.to_v1()]))
            .await
    }

    async fn tell_of(&self, kind: &str, agent: &AgentId, field: &str, list: Value) -> Result<()> {
        let mut body = json!({ "agent_id": agent.to_v1() });
        body[field] = list;
        operator::tell(self.http(), kind, Some(body)).await
    }
}
