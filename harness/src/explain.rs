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
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn agent(name: &str, total: Resources, used: Resources) -> AgentResources {
        AgentResources {
            id: format!("id-{name}"),
            name: name.to_owned(),
            free: total.minus(&used),
            total,
            ..AgentResources::default()
        }
    }

    fn readme_agents() -> Vec<AgentResources> {
        let ports = || PortRanges::range(31000, 32000);
        vec![
            agent(
                "10.1.2.102",
                Resources::new(2.0, 1024.0).with_ports(ports()),
                Resources::default(),
            ),
            agent(
                "10.1.2.101",
                Resources::new(4.0, 2929.0).with_disk(35164.0).with_ports(ports()),
                Resources::new(3.0, 1000.0),
            ),
        ]
    }

    fn held_against(demand: impl Into<Demand>, agents: &[AgentResources]) -> Shortfall {
        Shortfall::new(&demand.into(), &[], agents)
    }

    #[test]
    fn more_than_any_agent_has_never_fits() {
        let shortfall = held_against(Resources::new(8.0, 100.0), &readme_agents());
        assert_eq!(shortfall.verdict, Verdict::Never);
        assert_snapshot!(shortfall, @"no agent can ever run it: asks for cpus 8, the most any agent has is 4 (short by 4 on 10.1.2.101)");
        assert_eq!(shortfall.nearest().expect("two agents").agent.name, "10.1.2.101");
    }

    #[test]
    fn several_resources_beyond_every_agent_are_all_named() {
        let shortfall = held_against(Resources::new(4.5, 4000.0).with_disk(1.0), &readme_agents());
        assert_snapshot!(shortfall, @"no agent can ever run it: asks for cpus 4.5, the most any agent has is 4 (short by 0.5 on 10.1.2.101); mem 4000 MB, the most any agent has is 2929 MB (short by 1071 MB on 10.1.2.101)");
    }

    #[test]
    fn the_best_agent_may_differ_by_resource() {
        let agents = [
            agent("many-cpus", Resources::new(8.0, 100.0), Resources::default()),
            agent("much-mem", Resources::new(1.0, 9000.0), Resources::default()),
        ];
        let both_beyond = held_against(Resources::new(10.0, 10000.0), &agents);
        assert_snapshot!(both_beyond, @"no agent can ever run it: asks for cpus 10, the most any agent has is 8 (short by 2 on many-cpus); mem 10000 MB, the most any agent has is 9000 MB (short by 1000 MB on much-mem)");

        let each_elsewhere = held_against(Resources::new(4.0, 1000.0), &agents);
        assert_eq!(each_elsewhere.verdict, Verdict::Never);
        assert_snapshot!(each_elsewhere, @"no agent can ever run it: asks for cpus 4, mem 1000 MB; no one agent has all of it: much-mem: cpus short by 3 (has 1); many-cpus: mem short by 900 MB (has 100 MB)");
    }

    #[test]
    fn what_tasks_hold_is_missing_only_now() {
        let shortfall = held_against(Resources::new(3.0, 2000.0), &readme_agents());
        assert_eq!(shortfall.verdict, Verdict::NotNow);
        assert_snapshot!(shortfall, @"no agent can run it now: asks for cpus 3, mem 2000 MB; 10.1.2.101: cpus short by 2 (has 1), mem short by 71 MB (has 1929 MB); 10.1.2.102: cpus short by 1 (has 2), mem short by 976 MB (has 1024 MB); it fits when cpus 2, mem 71 MB is freed on 10.1.2.101");
    }

    #[test]
    fn what_fits_names_an_agent_that_has_it_free() {
        let shortfall = held_against(Resources::new(2.0, 512.0), &readme_agents());
        assert_eq!(shortfall.verdict, Verdict::Fits);
        assert_snapshot!(shortfall, @"cpus 2, mem 512 MB fits on 10.1.2.102");

        let exactly = held_against(Resources::new(1.0, 1929.0), &readme_agents());
        assert_snapshot!(exactly, @"cpus 1, mem 1929 MB fits on 10.1.2.101");
    }

    #[test]
    fn ports_are_counted_and_named() {
        let named = Resources::new(1.0, 10.0).with_ports("[80-80, 31000-31000]".parse().expect("ranges"));
        let shortfall = held_against(named, &readme_agents());
        assert_snapshot!(shortfall, @"no agent can ever run it: asks for ports 80 31000, of which even 10.1.2.101 lacks 80");

        let many = Demand {
            resources: Resources::default(),
            any_ports: 2000,
        };
        assert_snapshot!(held_against(many, &readme_agents()), @"no agent can ever run it: asks for ports 2000, the most any agent has is 1001 (short by 999 on 10.1.2.101)");

        let mut busy = readme_agents();
        busy.retain(|agent| agent.name == "10.1.2.101");
        busy[0].free.ports = PortRanges::range(31000, 31001);
        let three = Demand {
            resources: Resources::default(),
            any_ports: 3,
        };
        assert_snapshot!(held_against(three, &busy), @"no agent can run it now: asks for 3 ports; 10.1.2.101: ports short by 1 (has 2); it fits when 1 more port is freed on 10.1.2.101");
    }

    #[test]
    fn a_named_port_is_not_counted_twice() {
        let mut agents = readme_agents();
        agents.truncate(1);
        agents[0].free.ports = PortRanges::range(31000, 31001);
        let demand = Demand {
            resources: Resources::default().with_ports(PortRanges::one(31000)),
            any_ports: 2,
        };
        let shortfall = held_against(demand, &agents);
        assert_eq!(shortfall.verdict, Verdict::NotNow);
        let now = &shortfall.agents[0].now;
        assert_eq!(
            (now.len(), now[0].dimension, now[0].short_by()),
            (1, Dimension::Ports, Scalar::from(1.0))
        );
    }

    #[test]
    fn without_agents_it_says_so() {
        let shortfall = held_against(Resources::new(1.0, 10.0), &[]);
        assert_eq!(shortfall.verdict, Verdict::NoAgents);
        assert_snapshot!(shortfall, @"no agent is registered: nothing can run cpus 1, mem 10 MB");
        assert!(shortfall.nearest().is_none());
    }

    #[test]
    fn constraints_rule_agents_out() {
        let mut agents = readme_agents();
        agents[0].attributes.insert("rack".to_owned(), "b".to_owned());
        agents[0].unusable = None;
        agents[1].unusable = Some("it is deactivated".to_owned());
        let rack = Constraint::Attribute {
            name: "rack".to_owned(),
            value: "a".to_owned(),
        };
        let demand = Demand::from(Resources::new(1.0, 10.0));

        let shortfall = Shortfall::new(&demand, std::slice::from_ref(&rack), &agents);
        assert_eq!(shortfall.verdict, Verdict::NoEligibleAgent);
        assert_snapshot!(shortfall, @"no agent is eligible: 10.1.2.101: it is deactivated; 10.1.2.102: its attribute rack is b, not a");

        agents[0].attributes.clear();
        let shortfall = Shortfall::new(&demand, &[rack], &agents[..1]);
        assert_snapshot!(shortfall, @"no agent is eligible: 10.1.2.102: it has no attribute rack (asked for: a)");

        let on = Constraint::Hostname("10.1.2.102".to_owned());
        assert_eq!(Shortfall::new(&demand, &[on], &agents).verdict, Verdict::Fits);
        let id = Constraint::Agent("id-10.1.2.109".to_owned());
        assert_eq!(
            Shortfall::new(&demand, &[id], &agents).verdict,
            Verdict::NoEligibleAgent
        );
    }

    #[test]
    fn an_excluded_agent_does_not_make_it_fit() {
        let mut agents = readme_agents();
        agents[1].unusable = Some("it is draining".to_owned());
        let shortfall = held_against(Resources::new(4.0, 100.0), &agents);
        assert_eq!(shortfall.verdict, Verdict::Never);
        assert_snapshot!(shortfall, @"no agent can ever run it: asks for cpus 4, the most any agent has is 2 (short by 2 on 10.1.2.102)");
    }
}
