//! What is short, and by how much: the one place for this arithmetic.
//!
//! A demand is held against every agent's total and free resources. The answer says whether some agent could ever
//! run it, whether one can now, and otherwise what is missing where.

use std::collections::BTreeMap;
use std::fmt;

use crate::client::{Demand, PortRanges, Resources, Scalar};

/// Something that an agent must be or have besides resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// The agent's hostname.
    Hostname(String),
    /// The agent's id.
    Agent(String),
    /// An attribute of the agent, with its text.
    Attribute {
        /// The attribute's name.
        name: String,
        /// Its text.
        value: String,
    },
}

impl Constraint {
    /// Why `agent` does not satisfy it, if it does not.
    fn violated_by(&self, agent: &AgentResources) -> Option<String> {
        match self {
            Constraint::Hostname(wanted) if *wanted != agent.name => Some(format!("it is not {wanted}")),
            Constraint::Agent(wanted) if *wanted != agent.id => Some(format!("its id is {}, not {wanted}", agent.id)),
            Constraint::Attribute { name, value } => match agent.attributes.get(name) {
                Some(found) if found == value => None,
                Some(found) => Some(format!("its attribute {name} is {found}, not {value}")),
                None => Some(format!("it has no attribute {name} (asked for: {value})")),
            },
            Constraint::Hostname(_) | Constraint::Agent(_) => None,
        }
    }
}

/// One agent as the arithmetic sees it: its resources are those that the asking role may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentResources {
    /// The agent's id.
    pub id: String,
    /// The name by which people know it: its hostname.
    pub name: String,
    /// Everything the agent has. Equal to `free` where only an offer is known.
    pub total: Resources,
    /// What no task holds.
    pub free: Resources,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// Why it takes no task at all, if it does not: deactivated, draining.
    pub unusable: Option<String>,
}

/// One kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// CPU shares, in cores.
    Cpus,
    /// Memory in MB.
    Mem,
    /// Disk in MB.
    Disk,
    /// GPUs.
    Gpus,
    /// A number of ports, whichever.
    Ports,
    /// Certain ports, by number.
    NamedPorts,
}

impl Dimension {
    fn name(self) -> &'static str {
        match self {
            Dimension::Cpus => "cpus",
            Dimension::Mem => "mem",
            Dimension::Disk => "disk",
            Dimension::Gpus => "gpus",
            Dimension::Ports | Dimension::NamedPorts => "ports",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Dimension::Mem | Dimension::Disk => " MB",
            _ => "",
        }
    }
}

/// One resource that is short on one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Which resource.
    pub dimension: Dimension,
    /// How much is asked for.
    pub asked: Scalar,
    /// How much is there.
    pub has: Scalar,
    /// The named ports that are not there; empty for other dimensions.
    pub ports: PortRanges,
}

impl Missing {
    /// How much more would do.
    #[must_use]
    pub fn short_by(&self) -> Scalar {
        self.asked.minus(self.has)
    }
}

impl fmt::Display for Missing {
    /// `cpus short by 4 (has 4)`; for named ports `ports 80 443 are not there`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit) = (self.dimension.name(), self.dimension.unit());
        if self.dimension == Dimension::NamedPorts {
            return write!(f, "{name} {} not there", self.ports);
        }
        write!(f, "{name} short by {}{unit} (has {}{unit})", self.short_by(), self.has)
    }
}

/// Everything of `demand` that `available` lacks.
#[must_use]
pub fn missing(demand: &Demand, available: &Resources) -> Vec<Missing> {
    let asked = &demand.resources;
    let mut short: Vec<Missing> = [
        (Dimension::Cpus, asked.cpus, available.cpus),
        (Dimension::Mem, asked.mem_mb, available.mem_mb),
        (Dimension::Disk, asked.disk_mb, available.disk_mb),
        (Dimension::Gpus, asked.gpus, available.gpus),
    ]
    .into_iter()
    .filter(|(_, asked, has)| asked > has)
    .map(|(dimension, asked, has)| Missing {
        dimension,
        asked,
        has,
        ports: PortRanges::default(),
    })
    .collect();

    let absent = asked.ports.minus(&available.ports);
    if !absent.is_empty() {
        let named = asked.ports.count();
        short.push(Missing {
            dimension: Dimension::NamedPorts,
            asked: named.into(),
            has: (named - absent.count()).into(),
            ports: absent,
        });
    }
    let left = available.ports.minus(&asked.ports).count();
    if demand.any_ports > left {
        short.push(Missing {
            dimension: Dimension::Ports,
            asked: demand.any_ports.into(),
            has: left.into(),
            ports: PortRanges::default(),
        });
    }
    short
}

/// One agent held against the demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentShortfall {
    /// The agent.
    pub agent: AgentResources,
    /// What its free resources lack. Empty: it fits now.
    pub now: Vec<Missing>,
    /// What even its total lacks. Empty: it would fit on the idle agent.
    pub ever: Vec<Missing>,
    /// Why it is out of the question whatever its resources are.
    pub excluded: Option<String>,
}

impl AgentShortfall {
    fn new(demand: &Demand, constraints: &[Constraint], agent: &AgentResources) -> Self {
        let violated = || constraints.iter().find_map(|constraint| constraint.violated_by(agent));
        AgentShortfall {
            now: missing(demand, &agent.free),
            ever: missing(demand, &agent.total),
            excluded: agent.unusable.clone().or_else(violated),
            agent: agent.clone(),
        }
    }

    /// How far it is from fitting: the missing parts of what is asked, summed.
    fn distance(missing: &[Missing]) -> f64 {
        missing
            .iter()
            .map(|missing| missing.short_by().share_of(missing.asked))
            .sum()
    }
}

/// What the arithmetic comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// At least one agent has it free.
    Fits,
    /// Some agent could run it, were enough of its resources freed.
    NotNow,
    /// No agent is large enough, even idle.
    Never,
    /// Every agent is ruled out by a constraint, or takes no tasks.
    NoEligibleAgent,
    /// There is no agent.
    NoAgents,
}

/// A demand held against all agents. `Display` is the text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What was asked for.
    pub demand: Demand,
    /// Every agent, the nearest to fitting first, the excluded ones last.
    pub agents: Vec<AgentShortfall>,
    /// What it comes to.
    pub verdict: Verdict,
}

impl Shortfall {
    /// Holds `demand` and `constraints` against `agents`.
    #[must_use]
    pub fn new(demand: &Demand, constraints: &[Constraint], agents: &[AgentResources]) -> Self {
        let mut agents: Vec<AgentShortfall> = agents
            .iter()
            .map(|agent| AgentShortfall::new(demand, constraints, agent))
            .collect();
        agents.sort_by(|left, right| {
            let key = |one: &AgentShortfall| {
                let (ever, now) = (AgentShortfall::distance(&one.ever), AgentShortfall::distance(&one.now));
                (one.excluded.is_some(), ever, now)
            };
            let (left_key, right_key) = (key(left), key(right));
            left_key
                .0
                .cmp(&right_key.0)
                .then(left_key.1.total_cmp(&right_key.1))
                .then(left_key.2.total_cmp(&right_key.2))
                .then_with(|| left.agent.name.cmp(&right.agent.name))
        });
        let eligible = || agents.iter().filter(|agent| agent.excluded.is_none());
        let verdict = if agents.is_empty() {
            Verdict::NoAgents
        } else if eligible().next().is_none() {
            Verdict::NoEligibleAgent
        } else if eligible().any(|agent| agent.now.is_empty()) {
            Verdict::Fits
        } else if eligible().any(|agent| agent.ever.is_empty()) {
            Verdict::NotNow
        } else {
            Verdict::Never
        };
        Shortfall {
            demand: demand.clone(),
            agents,
            verdict,
        }
    }

    /// The agents that are not ruled out, the nearest to fitting first.
    pub fn eligible(&self) -> impl Iterator<Item = &AgentShortfall> {
        self.agents.iter().filter(|agent| agent.excluded.is_none())
    }

    /// The agent that is nearest to fitting.
    #[must_use]
    pub fn nearest(&self) -> Option<&AgentShortfall> {
        self.eligible().next()
    }

    /// For each resource that even the best agent for it lacks: that agent, and what it lacks.
    fn beyond_all(&self) -> Vec<(&AgentShortfall, &Missing)> {
        let Some(nearest) = self.nearest() else {
            return Vec::new();
        };
        let best = |dimension: Dimension| {
            let mut best: Option<(&AgentShortfall, &Missing)> = None;
            for agent in self.eligible() {
                let missing = agent.ever.iter().find(|missing| missing.dimension == dimension)?;
                if best.is_none_or(|(_, least)| missing.has > least.has) {
                    best = Some((agent, missing));
                }
            }
            best
        };
        nearest
            .ever
            .iter()
            .filter_map(|missing| best(missing.dimension))
            .collect()
    }

    fn never(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no agent can ever run it: asks for ")?;
        let beyond = self.beyond_all();
        if beyond.is_empty() {
            write!(f, "{}; no one agent has all of it: ", self.demand)?;
            return self.each(f, |agent| &agent.ever);
        }
        for (number, (agent, missing)) in beyond.iter().enumerate() {
            let (name, unit) = (missing.dimension.name(), missing.dimension.unit());
            let separator = if number == 0 { "" } else { "; " };
            let on = &agent.agent.name;
            if missing.dimension == Dimension::NamedPorts {
                let asked = &self.demand.resources.ports;
                write!(
                    f,
                    "{separator}{name} {asked}, of which even {on} lacks {}",
                    missing.ports
                )?;
                continue;
            }
            write!(
                f,
                "{separator}{name} {}{unit}, the most any agent has is {}{unit} (short by {}{unit} on {on})",
                missing.asked,
                missing.has,
                missing.short_by()
            )?;
        }
        Ok(())
    }

    /// Every eligible agent with what it lacks.
    fn each(&self, f: &mut fmt::Formatter<'_>, which: impl Fn(&AgentShortfall) -> &Vec<Missing>) -> fmt::Result {
        for (number, agent) in self.eligible().enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            let lacks: Vec<String> = which(agent).iter().map(ToString::to_string).collect();
            write!(f, "{separator}{}: {}", agent.agent.name, lacks.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.verdict, self.nearest()) {
            (Verdict::Fits, Some(nearest)) => write!(f, "{} fits on {}", self.demand, nearest_fit(self, nearest)),
            (Verdict::Never, _) => self.never(f),
            (Verdict::NotNow, Some(nearest)) => {
                write!(f, "no agent can run it now: asks for {}; ", self.demand)?;
                self.each(f, |agent| if agent.ever.is_empty() { &agent.now } else { &agent.ever })?;
                write!(
                    f,
                    "; it fits when {} is freed on {}",
                    freed(&nearest.now),
                    nearest.agent.name
                )
            }
            (Verdict::NoEligibleAgent, _) => {
                write!(f, "no agent is eligible: ")?;
                for (number, agent) in self.agents.iter().enumerate() {
                    let separator = if number == 0 { "" } else { "; " };
                    let reason = agent.excluded.as_deref().unwrap_or_default();
                    write!(f, "{separator}{}: {reason}", agent.agent.name)?;
                }
                Ok(())
            }
            (Verdict::NoAgents, _) | (_, None) => {
                write!(f, "no agent is registered: nothing can run {}", self.demand)
            }
        }
    }
}

/// The name of the first agent that has it free; `nearest` sorts by total first.
fn nearest_fit<'a>(shortfall: &'a Shortfall, nearest: &'a AgentShortfall) -> &'a str {
    let fit = shortfall.eligible().find(|agent| agent.now.is_empty());
    &fit.unwrap_or(nearest).agent.name
}

/// What has to become free: `cpus 1, mem 20 MB`.
fn freed(missing: &[Missing]) -> String {
    let parts = missing.iter().map(|missing| {
        let (name, unit) = (missing.dimension.name(), missing.dimension.unit());
        match missing.dimension {
            Dimension::NamedPorts => format!("{name} {}", missing.ports),
            Dimension::Ports if missing.short_by() == Scalar::from(1.0) => "1 more port".to_owned(),
            Dimension::Ports => format!("{} more ports", missing.short_by()),
            _ => format!("{name} {}{unit}", missing.short_by()),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
