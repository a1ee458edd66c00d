//! Offers, and the events of the scheduler API that carry them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::executor::{ExecutorMessage, Failure};
use crate::client::ids::wrapped;
use crate::client::mesos::task::TaskStatus;
use crate::client::resources::RoleResources;
use crate::client::{AgentId, FrameworkId, OfferId, Resources};
use crate::explain::AgentResources;

/// Resources of one agent, offered to one framework.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Offer {
    /// Its id.
    #[serde(with = "wrapped")]
    pub id: OfferId,
    /// The agent.
    #[serde(with = "wrapped")]
    pub agent_id: AgentId,
    /// The agent's name.
    pub hostname: String,
    /// What is offered.
    #[serde(default)]
    pub resources: RoleResources,
    /// The agent's attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    allocation_info: Option<Allocation>,
}

impl Offer {
    /// The role it is offered to.
    #[must_use]
    pub fn role(&self) -> &str {
        self.allocation_info.as_ref().map_or("*", |allocation| &allocation.role)
    }

    /// What a task can be given of it: tasks here take only what is not reserved.
    #[must_use]
    pub fn usable(&self) -> &Resources {
        &self.resources.unreserved
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Allocation {
    role: String,
}

/// An attribute of an agent; of the two forms one is set.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its text, unless it is a number.
    pub text: Option<Text>,
    /// Its number, unless it is a text.
    pub scalar: Option<Number>,
}

/// The text of an attribute.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Text {
    /// The text.
    pub value: String,
}

/// The number of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Number {
    /// The number.
    pub value: f64,
}

impl Attribute {
    fn as_text(&self) -> Option<String> {
        let text = self.text.as_ref().map(|text| text.value.clone());
        text.or_else(|| self.scalar.map(|number| number.value.to_string()))
    }
}

/// All offers of one agent to one role: a task may take from several at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle {
    pub(super) offers: Vec<Offer>,
    pub(super) usable: Resources,
}

/// Offers by agent and role.
pub(super) fn bundles<'a>(offers: impl Iterator<Item = &'a Offer>) -> Vec<Bundle> {
    let mut all: BTreeMap<(AgentId, String), Bundle> = BTreeMap::new();
    for offer in offers {
        let bundle = all
            .entry((offer.agent_id.clone(), offer.role().to_owned()))
            .or_default();
        bundle.usable = std::mem::take(&mut bundle.usable) + offer.usable().clone();
        bundle.offers.push(offer.clone());
    }
    all.into_values().collect()
}

impl Bundle {
    /// As the arithmetic of `explain` takes it. An offer shows no totals: what is offered stands for both.
    pub(super) fn as_agent(&self) -> Option<AgentResources> {
        let first = self.offers.first()?;
        let attributes = first.attributes.iter();
        Some(AgentResources {
            id: first.agent_id.to_string(),
            name: first.hostname.clone(),
            total: self.usable.clone(),
            free: self.usable.clone(),
            attributes: attributes
                .filter_map(|one| Some((one.name.clone(), one.as_text()?)))
                .collect(),
            unusable: None,
        })
    }
}

/// An event of the scheduler API, as it comes.
#[derive(Debug, Deserialize)]
pub(super) struct Wire {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) subscribed: Option<Subscribed>,
    pub(super) offers: Option<Offers>,
    pub(super) rescind: Option<Rescind>,
    pub(super) update: Option<Update>,
    pub(super) message: Option<ExecutorMessage>,
    pub(super) failure: Option<Failure>,
    pub(super) error: Option<WireError>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Subscribed {
    #[serde(with = "wrapped")]
    pub(super) framework_id: FrameworkId,
    pub(super) heartbeat_interval_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Offers {
    #[serde(default)]
    pub(super) offers: Vec<Offer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Rescind {
    #[serde(with = "wrapped")]
    pub(super) offer_id: OfferId,
}

#[derive(Debug, Deserialize)]
pub(super) struct Update {
    pub(super) status: TaskStatus,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireError {
    #[serde(default)]
    pub(super) message: String,
}
