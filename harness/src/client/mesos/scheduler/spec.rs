//! What a framework says of itself when it subscribes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::client::{FrameworkId, Http};

/// What a framework can do, beyond what every one can (Mesos `FrameworkInfo.Capability`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// It takes resources that can be revoked.
    RevocableResources,
    /// It knows the state TASK_KILLING.
    TaskKillingState,
    /// It takes agents with GPUs.
    GpuResources,
    /// It shares persistent volumes.
    SharedResources,
    /// It tells unreachable tasks from lost ones.
    PartitionAware,
    /// It is in several roles.
    MultiRole,
    /// It reads reservations within reservations.
    ReservationRefinement,
    /// It takes agents in other regions.
    RegionAware,
}

impl Capability {
    /// The name in Mesos' documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Capability::RevocableResources => "REVOCABLE_RESOURCES",
            Capability::TaskKillingState => "TASK_KILLING_STATE",
            Capability::GpuResources => "GPU_RESOURCES",
            Capability::SharedResources => "SHARED_RESOURCES",
            Capability::PartitionAware => "PARTITION_AWARE",
            Capability::MultiRole => "MULTI_ROLE",
            Capability::ReservationRefinement => "RESERVATION_REFINEMENT",
            Capability::RegionAware => "REGION_AWARE",
        }
    }
}

/// A framework before it subscribes: user root, role `*`, MULTI_ROLE, no checkpoints, tasks that end with it.
#[derive(Clone, Debug)]
#[must_use]
pub struct FrameworkSpec {
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) roles: Vec<String>,
    pub(crate) id: Option<FrameworkId>,
    checkpoint: bool,
    failover_timeout: Duration,
    capabilities: Vec<Capability>,
    principal: Option<String>,
    secret: Option<String>,
    webui_url: Option<String>,
    hostname: Option<String>,
    attributes: Vec<(String, String)>,
}

impl FrameworkSpec {
    /// A framework of that name.
    pub fn new(name: impl Into<String>) -> Self {
        FrameworkSpec {
            name: name.into(),
            user: "root".to_owned(),
            roles: vec!["*".to_owned()],
            id: None,
            checkpoint: false,
            failover_timeout: Duration::ZERO,
            capabilities: vec![Capability::MultiRole],
            principal: None,
            secret: None,
            webui_url: None,
            hostname: None,
            attributes: Vec::new(),
        }
    }

    /// The user that tasks run as, unless they say otherwise.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// The roles it is in, instead of `*`.
    pub fn roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Its executors survive a restart of the agent.
    pub fn checkpoint(mut self) -> Self {
        self.checkpoint = true;
        self
    }

    /// How long its tasks survive it, for another subscription with the same [`FrameworkSpec::id`].
    pub fn failover_timeout(mut self, timeout: Duration) -> Self {
        self.failover_timeout = timeout;
        self
    }

    /// Subscribes as the framework that had this id before.
    pub fn id(mut self, id: FrameworkId) -> Self {
        self.id = Some(id);
        self
    }

    /// One more capability.
    pub fn capability(mut self, capability: Capability) -> Self {
        if !self.capabilities.contains(&capability) {
            self.capabilities.push(capability);
        }
        self
    }

    /// Who it authenticates as.
    pub fn principal(mut self, principal: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// Who it is and the secret that proves it: sent with every call, by HTTP's basic scheme.
    pub fn credential(mut self, principal: impl Into<String>, secret: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self.secret = Some(secret.into());
        self
    }

    /// `http`, for one who says who it is, where this one does.
    pub(super) fn identify(&self, http: Http) -> Http {
        match (&self.principal, &self.secret) {
            (Some(principal), Some(secret)) => http.credential(principal, secret),
            _ => http,
        }
    }

    /// Where people find it.
    pub fn webui_url(mut self, url: impl Into<String>) -> Self {
        self.webui_url = Some(url.into());
        self
    }

    /// The host that its scheduler is on, a name or an address: Mesos-DNS names it after the framework.
    pub fn hostname(mut self, hostname: impl Into<String>) -> Self {
        self.hostname = Some(hostname.into());
        self
    }

    /// Wants offers only of agents with this text attribute, in every role (since 1.11; an older master does not know
    /// it and offers everything).
    pub fn only_with_attribute(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.attributes.push((name.into(), text.into()));
        self
    }

    /// The v1 `OfferConstraints`, where there are any.
    pub(super) fn offer_constraints(&self) -> Option<Value> {
        let constraint = |(name, text): &(String, String)| json!({ "selector": { "attribute_name": name }, "predicate": { "text_equals": { "value": text } } });
        let all: Vec<Value> = self.attributes.iter().map(constraint).collect();
        let group = json!({ "groups": [{ "attribute_constraints": all }] });
        let by_role = self.roles.iter().map(|role| (role.clone(), group.clone()));
        (!all.is_empty()).then(|| json!({ "role_constraints": by_role.collect::<Map<_, _>>() }))
    }

    /// True where its tasks are to survive the subscription.
    pub(crate) fn survives(&self) -> bool {
        self.failover_timeout > Duration::ZERO
    }

    /// The v1 `FrameworkInfo`.
    #[must_use]
    pub fn to_v1(&self) -> Value {
        let capabilities: Vec<Value> = self
            .capabilities
            .iter()
            .map(|capability| json!({ "type": capability.name() }))
            .collect();
        let mut info = json!({
            "name": self.name,
            "user": self.user,
            "roles": self.roles,
            "capabilities": capabilities,
            "checkpoint": self.checkpoint,
            "failover_timeout": self.failover_timeout.as_secs_f64(),
        });
        if let Some(id) = &self.id {
            info["id"] = id.to_v1();
        }
        if let Some(principal) = &self.principal {
            info["principal"] = principal.as_str().into();
        }
        if let Some(url) = &self.webui_url {
            info["webui_url"] = url.as_str().into();
        }
        if let Some(hostname) = &self.hostname {
            info["hostname"] = hostname.as_str().into();
        }
        info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framework_info_has_only_what_was_said() {
        let plain = FrameworkSpec::new("test");
        assert_eq!(
            plain.to_v1(),
            json!({"name": "test", "user": "root", "roles": ["*"], "capabilities": [{"type": "MULTI_ROLE"}],
                   "checkpoint": false, "failover_timeout": 0.0})
        );
        let full = FrameworkSpec::new("test")
            .user("nobody")
            .roles(["a", "b"])
            .checkpoint()
            .failover_timeout(Duration::from_secs(60))
            .id("f-1".into())
            .capability(Capability::PartitionAware)
            .capability(Capability::PartitionAware)
            .principal("p")
            .webui_url("http://10.1.2.11:1/")
            .hostname("10.1.2.11");
        assert_eq!(
            full.to_v1(),
            json!({"name": "test", "user": "nobody", "roles": ["a", "b"],
                   "capabilities": [{"type": "MULTI_ROLE"}, {"type": "PARTITION_AWARE"}],
                   "checkpoint": true, "failover_timeout": 60.0, "id": {"value": "f-1"}, "principal": "p",
                   "webui_url": "http://10.1.2.11:1/", "hostname": "10.1.2.11"})
        );
    }
}
