//! The names in DNS of an installed package: of its app's tasks, and of its framework.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use super::left::Rest;
use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::await_until::{Probe, Wait};
use crate::client::marathon::Task;
use crate::client::mesos::state::{MasterState, TaskEntry};
use crate::component::mesos_dns;
use crate::deadlines::NAME_RESOLVED;
use crate::{Error, Kind, Result};

impl Stage<'_> {
    /// The names of tasks and framework, and that they lead to where the app's tasks are: its scheduler is one of them.
    pub(super) async fn has_names(&self, release: &Release) -> Result<Seen> {
        let tasks = self.tasks(release).await?;
        if tasks.is_empty() {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        }
        let framework = release
            .framework()
            .map(|name| format!("{}.{}", label_of(&name), mesos_dns::DOMAIN));
        let rest = Mutex::new(Rest::new());
        Wait::that(
            format!("the names of {} resolve", release.app_id().unwrap_or_default()),
            NAME_RESOLVED,
        )
        .until(async || {
            let why = match self.names(&tasks, framework.as_deref()).await {
                Ok(found) => return Probe::Ready(Seen::Held(found)),
                Err(error) => error.to_string(),
            };
            // The task runs, and the framework is there: once Mesos-DNS has seen it, its answer is its last.
            self.unless_final(&rest, why).await
        })
        .await
    }

    /// The names as they are now, each with its addresses.
    async fn names(&self, tasks: &[Task], framework: Option<&str>) -> Result<Vec<String>> {
        let http = self.cluster.master().http(mesos_dns::HTTP_PORT);
        let all: Value = http.get("v1/enumerate").send().await?.json()?;
        let task = tasks.first().map(|task| task.id.as_str()).unwrap_or_default();
        let name = name_of(&all, task).ok_or_else(|| unresolved(task))?;
        let places = places(&self.cluster.mesos().state().await?.typed, tasks);
        let mut found = Vec::new();
        for name in std::iter::once(name.as_str()).chain(framework) {
            let hosts: Value = http.get(&format!("v1/hosts/{name}")).send().await?.json()?;
            found.push(leads(name, &hosts, &places)?);
        }
        Ok(found)
    }
}

/// Every address of the tasks: of their agents, and of containers that have one of their own.
fn places(state: &MasterState, tasks: &[Task]) -> BTreeSet<String> {
    let own = |entry: &&TaskEntry| tasks.iter().any(|task| task.id == entry.id.as_str());
    let entries = state
        .frameworks
        .iter()
        .flat_map(|framework| &framework.tasks)
        .filter(own);
    let statuses = entries.flat_map(|entry| &entry.statuses);
    let networks = statuses.filter_map(|status| Some(&status.container_status.as_ref()?.network_infos));
    let addresses = networks.flatten().flat_map(|network| &network.ip_addresses);
    let of_containers = addresses.filter_map(|address| address.ip_address.clone());
    of_containers
        .chain(tasks.iter().map(|task| task.host.clone()))
        .collect()
}

/// Where a name leads, which is nowhere but to `places`; `hosts` is what Mesos-DNS says of it.
fn leads(name: &str, hosts: &Value, places: &BTreeSet<String>) -> Result<String> {
    let hosts = hosts.as_array().into_iter().flatten();
    let addresses = hosts.filter_map(|host| host["ip"].as_str()).filter(|ip| !ip.is_empty());
    let addresses: Vec<&str> = addresses.collect();
    if addresses.is_empty() {
        return Err(unresolved(name));
    }
    let shown = addresses.join(", ");
    if addresses.iter().all(|address| places.contains(*address)) {
        return Ok(format!("{name} is {shown}"));
    }
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    let wrong = format!("{name} leads to {shown}, and the app runs at {}", places.join(", "));
    Err(Error::new(Kind::Answer, wrong))
}

fn unresolved(name: &str) -> Error {
    Error::new(Kind::Answer, format!("{name} does not resolve"))
}

/// The name that Mesos-DNS has for a task.
fn name_of(all: &Value, task: &str) -> Option<String> {
    let frameworks = all["frameworks"].as_array()?.iter();
    let mut tasks = frameworks.flat_map(|framework| framework["tasks"].as_array().into_iter().flatten());
    let task = tasks.find(|one| one["id"] == task)?;
    let mut records = task["records"].as_array()?.iter();
    let record = records.find(|record| record["rtype"] == "A")?;
    Some(record["name"].as_str()?.trim_end_matches('.').to_owned())
}

/// A framework's name as a part of names in DNS (RFC 1123).
fn label_of(name: &str) -> String {
    let part = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(part).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_is_found_by_its_id_and_a_framework_by_its_label() {
        let all = json!({"frameworks": [{"name": "marathon", "tasks": [{"id": "a.1", "records": [
            {"name": "_a._tcp.marathon.mesos.", "rtype": "SRV"}, {"name": "a.marathon.mesos.", "rtype": "A"}]}]}]});
        assert_eq!(name_of(&all, "a.1").as_deref(), Some("a.marathon.mesos"));
        assert_eq!(name_of(&all, "a.2"), None);
        assert_eq!(label_of("Hello_Framework 1"), "hello-framework-1");
    }

    #[test]
    fn a_name_must_lead_to_the_app_and_nowhere_else() {
        let places = BTreeSet::from(["10.0.0.101", "172.17.0.2"].map(str::to_owned));
        let of = |addresses: &[&str]| {
            let hosts: Vec<Value> = addresses
                .iter()
                .map(|ip| json!({"host": "x.mesos.", "ip": ip}))
                .collect();
            leads("x.mesos", &json!(hosts), &places).map_err(|error| error.to_string())
        };
        assert_eq!(of(&["10.0.0.101"]), Ok("x.mesos is 10.0.0.101".to_owned()));
        assert_eq!(
            of(&["172.17.0.2", "10.0.0.101"]),
            Ok("x.mesos is 172.17.0.2, 10.0.0.101".to_owned())
        );
        assert_eq!(of(&[""]), Err("x.mesos does not resolve".to_owned()));
        for wrong in [&["10.0.0.10"][..], &["10.0.0.101", "10.0.0.102"]] {
            let error = of(wrong).expect_err("another node");
            assert!(error.contains("and the app runs at 10.0.0.101, 172.17.0.2"), "{error}");
        }
    }

    #[test]
    fn a_task_is_at_its_agent_and_at_its_containers_address() {
        let status = |ip: &str| {
            json!({"state": "TASK_RUNNING", "timestamp": 1.0, "container_status": {
                "network_infos": [{"ip_addresses": [{"ip_address": ip}]}]}})
        };
        let entry = |id: &str, ip: &str| {
            json!({"id": id, "name": "t", "framework_id": "F", "slave_id": "S0", "state": "TASK_RUNNING",
                   "resources": {}, "statuses": [status(ip)]})
        };
        let state = json!({
            "version": "1.11.0", "git_sha": null, "id": "M", "pid": "master@10.0.0.11:5050", "hostname": "10.0.0.11",
            "start_time": 1.0, "activated_slaves": 1, "deactivated_slaves": 0, "unreachable_slaves": 0, "slaves": [],
            "frameworks": [{"id": "F", "name": "marathon", "user": "root", "active": true, "connected": true,
                "checkpoint": true, "failover_timeout": 1.0, "used_resources": {}, "offered_resources": {},
                "tasks": [entry("a.1", "172.17.0.2"), entry("b.1", "172.17.0.3")]}]});
        let state: MasterState = serde_json::from_value(state).expect("a master's state");
        let task = json!({"id": "a.1", "appId": "/a", "host": "10.0.0.101", "version": "v"});
        let task: Task = serde_json::from_value(task).expect("a task of Marathon");
        let expected = BTreeSet::from(["10.0.0.101", "172.17.0.2"].map(str::to_owned));
        assert_eq!(places(&state, &[task]), expected);
    }
}
