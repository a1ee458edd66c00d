//! What a framework knows at one moment. No I/O happens here.

use std::collections::BTreeMap;

use super::executor::{ExecutorMessage, Failure};
use super::offer::{Bundle, Offer, bundles};
use crate::client::Demand;
use crate::client::mesos::task::TaskStatus;
use crate::client::{OfferId, TaskId};
use crate::explain::{AgentResources, Constraint, Shortfall, Verdict};
use crate::{Error, Kind};

/// What must be on one agent at once: a task, or a group with its executor.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) demand: Demand,
    pub(super) constraints: Vec<Constraint>,
}

/// Why nothing more will come.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    kind: Kind,
    summary: String,
    details: Option<String>,
}

impl Ended {
    pub(super) fn on_request(summary: &str) -> Self {
        Ended {
            kind: Kind::Component,
            summary: summary.to_owned(),
            details: None,
        }
    }

    pub(super) fn because(error: &Error) -> Self {
        Ended {
            kind: error.kind(),
            summary: error.to_string(),
            details: Some(error.explain()),
        }
    }

    /// The same error for every wait that learns of it.
    pub(super) fn error(&self, framework: &str) -> Error {
        let error = Error::new(
            self.kind,
            format!("the subscription of {framework} is over: {}", self.summary),
        );
        match &self.details {
            Some(details) => error.evidence(details),
            None => error,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Offers that nobody has taken.
    pub(super) offers: BTreeMap<OfferId, Offer>,
    /// Offers that a scenario has been given and decides about.
    pub(super) held: BTreeMap<OfferId, Offer>,
    /// Every update of every task, the oldest first.
    pub(super) tasks: BTreeMap<TaskId, Vec<TaskStatus>>,
    /// What executors sent, the oldest first.
    pub(super) messages: Vec<ExecutorMessage>,
    /// Executors that are over, and agents that were removed.
    pub(super) failures: Vec<Failure>,
    /// How many waits for an offer are under way.
    pub(super) waiting: usize,
    /// Offers are kept although nobody waits.
    pub(super) keeps: bool,
    /// There may be resources that a REVIVE brings at once: behind a filter of ours, or left over by a launch and to
    /// be offered at the next allocation only.
    pub(super) withheld: bool,
    pub(super) ended: Option<Ended>,
    /// We asked for the end: the master closing the stream is no fault.
    pub(super) closing: bool,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Ledger {
            keeps: true,
            ..Ledger::default()
        }
    }

    pub(super) fn wants_offers(&self) -> bool {
        self.keeps || self.waiting > 0
    }

    /// Takes all offers of the first agent on which one of `wanted` fits; none stands when the subscription is over.
    ///
    /// # Errors
    /// A sentence that says why none fits.
    pub(super) fn take_fitting(&mut self, all: &[Wanted]) -> Result<Bundle, String> {
        if self.ended.is_some() {
            return Err("the subscription is over".to_owned());
        }
        let bundles = bundles(self.offers.values());
        let agents: Vec<AgentResources> = bundles.iter().filter_map(Bundle::as_agent).collect();
        let mut reason = "there is no offer".to_owned();
        for wanted in all {
            let fits = bundles.iter().zip(&agents).find(|(_, agent)| fits(wanted, agent));
            if let Some((bundle, _)) = fits {
                for offer in &bundle.offers {
                    self.offers.remove(&offer.id);
                }
                return Ok(bundle.clone());
            }
            if !agents.is_empty() {
                let shortfall = Shortfall::new(&wanted.demand, &wanted.constraints, &agents);
                reason = format!("the offers do not do for {}: {}", wanted.name, short_of(&shortfall));
            }
        }
        Err(reason)
    }

    /// Takes the first offer that `pick` wants, and keeps it for the one who asked; none stands when the subscription
    /// is over.
    pub(super) fn hold(&mut self, pick: impl Fn(&Offer) -> bool) -> Option<Offer> {
        if self.ended.is_some() {
            return None;
        }
        let offer = self.offers.values().find(|offer| pick(offer))?.clone();
        self.offers.remove(&offer.id);
        self.held.insert(offer.id.clone(), offer.clone());
        Some(offer)
    }

    /// Takes one certain offer away, if it still stands.
    pub(super) fn take(&mut self, id: &OfferId) -> Option<Offer> {
        self.held.remove(id).or_else(|| self.offers.remove(id))
    }

    /// Takes everything that nobody wants, to be declined.
    pub(super) fn unwanted(&mut self) -> Vec<OfferId> {
        if self.wants_offers() {
            return Vec::new();
        }
        self.withheld |= !self.offers.is_empty();
        std::mem::take(&mut self.offers).into_keys().collect()
    }

    /// Adds an update to its task's history. The agent sends an update again until it is acknowledged.
    pub(super) fn note(&mut self, status: TaskStatus) {
        let history = self.tasks.entry(status.task_id.clone()).or_default();
        let again = status.uuid.is_some() && history.iter().any(|known| known.uuid == status.uuid);
        if !again {
            history.push(status);
        }
    }
}

/// True when it can be launched there, constraints included.
pub(super) fn fits(wanted: &Wanted, agent: &AgentResources) -> bool {
    Shortfall::new(&wanted.demand, &wanted.constraints, std::slice::from_ref(agent)).verdict == Verdict::Fits
}

/// What every offered agent is short of. An offer says nothing of totals, so nothing is "never" here.
fn short_of(shortfall: &Shortfall) -> String {
    let parts = shortfall.agents.iter().map(|agent| {
        let lacks: Vec<String> = agent.now.iter().map(ToString::to_string).collect();
        let why = agent.excluded.clone().unwrap_or_else(|| lacks.join(", "));
        format!("{}: {why}", agent.agent.name)
    });
    parts.collect::<Vec<_>>().join("; ")
}
