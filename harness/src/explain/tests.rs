//! What people read when something is short.

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
    assert_eq!(
        shortfall.to_string(),
        "no agent can ever run it: asks for cpus 8, the most any agent has is 4 (short by 4 on 10.1.2.101)"
    );
    assert_eq!(shortfall.nearest().expect("two agents").agent.name, "10.1.2.101");
}

#[test]
fn several_resources_beyond_every_agent_are_all_named() {
    let shortfall = held_against(Resources::new(4.5, 4000.0).with_disk(1.0), &readme_agents());
    assert_eq!(
        shortfall.to_string(),
        "no agent can ever run it: asks for cpus 4.5, the most any agent has is 4 (short by 0.5 on 10.1.2.101); \
         mem 4000 MB, the most any agent has is 2929 MB (short by 1071 MB on 10.1.2.101)"
    );
}

#[test]
fn the_best_agent_may_differ_by_resource() {
    let agents = [
        agent("many-cpus", Resources::new(8.0, 100.0), Resources::default()),
        agent("much-mem", Resources::new(1.0, 9000.0), Resources::default()),
    ];
    let both_beyond = held_against(Resources::new(10.0, 10000.0), &agents);
    assert_eq!(
        both_beyond.to_string(),
        "no agent can ever run it: asks for cpus 10, the most any agent has is 8 (short by 2 on many-cpus); mem \
         10000 MB, the most any agent has is 9000 MB (short by 1000 MB on much-mem)"
    );

    let each_elsewhere = held_against(Resources::new(4.0, 1000.0), &agents);
    assert_eq!(each_elsewhere.verdict, Verdict::Never);
    assert_eq!(
        each_elsewhere.to_string(),
        "no agent can ever run it: asks for cpus 4, mem 1000 MB; no one agent has all of it: much-mem: cpus \
         short by 3 (has 1); many-cpus: mem short by 900 MB (has 100 MB)"
    );
}

#[test]
fn what_tasks_hold_is_missing_only_now() {
    let shortfall = held_against(Resources::new(3.0, 2000.0), &readme_agents());
    assert_eq!(shortfall.verdict, Verdict::NotNow);
    assert_eq!(
        shortfall.to_string(),
        "no agent can run it now: asks for cpus 3, mem 2000 MB; 10.1.2.101: cpus short by 2 (has 1), mem short \
         by 71 MB (has 1929 MB); 10.1.2.102: cpus short by 1 (has 2), mem short by 976 MB (has 1024 MB); it \
         fits when cpus 2, mem 71 MB is freed on 10.1.2.101"
    );
}

#[test]
fn what_fits_names_an_agent_that_has_it_free() {
    let shortfall = held_against(Resources::new(2.0, 512.0), &readme_agents());
    assert_eq!(shortfall.verdict, Verdict::Fits);
    assert_eq!(shortfall.to_string(), "cpus 2, mem 512 MB fits on 10.1.2.102");

    let exactly = held_against(Resources::new(1.0, 1929.0), &readme_agents());
    assert_eq!(exactly.to_string(), "cpus 1, mem 1929 MB fits on 10.1.2.101");
}

#[test]
fn ports_are_counted_and_named() {
    let named = Resources::new(1.0, 10.0).with_ports("[80-80, 31000-31000]".parse().expect("ranges"));
    let shortfall = held_against(named, &readme_agents());
    assert_eq!(
        shortfall.to_string(),
        "no agent can ever run it: asks for ports 80 31000, of which even 10.1.2.101 lacks 80"
    );

    let many = Demand {
        resources: Resources::default(),
        any_ports: 2000,
    };
    assert_eq!(
        held_against(many, &readme_agents()).to_string(),
        "no agent can ever run it: asks for ports 2000, the most any agent has is 1001 (short by 999 on \
         10.1.2.101)"
    );

    let mut busy = readme_agents();
    busy.retain(|agent| agent.name == "10.1.2.101");
    busy[0].free.ports = PortRanges::range(31000, 31001);
    let three = Demand {
        resources: Resources::default(),
        any_ports: 3,
    };
    assert_eq!(
        held_against(three, &busy).to_string(),
        "no agent can run it now: asks for 3 ports; 10.1.2.101: ports short by 1 (has 2); it fits when 1 more \
         port is freed on 10.1.2.101"
    );
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
    assert_eq!(
        shortfall.to_string(),
        "no agent is registered: nothing can run cpus 1, mem 10 MB"
    );
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
    assert_eq!(
        shortfall.to_string(),
        "no agent is eligible: 10.1.2.101: it is deactivated; 10.1.2.102: its attribute rack is b, not a"
    );

    agents[0].attributes.clear();
    let shortfall = Shortfall::new(&demand, &[rack], &agents[..1]);
    assert_eq!(
        shortfall.to_string(),
        "no agent is eligible: 10.1.2.102: it has no attribute rack (asked for: a)"
    );

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
    assert_eq!(
        shortfall.to_string(),
        "no agent can ever run it: asks for cpus 4, the most any agent has is 2 (short by 2 on 10.1.2.102)"
    );
}
