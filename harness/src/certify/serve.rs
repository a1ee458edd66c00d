//! What an installed package does: it is the app that was rendered, and answers wherever people and programs look for it.

use serde_json::Value;

use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::await_until::{Probe, Wait};
use crate::component::{admin_router, mesos_dns};
use crate::deadlines::{FRAMEWORK_REGISTERED, NAME_RESOLVED, SERVICE_PAGE};
use crate::docker::exec::ExecSpec;
use crate::{Error, Kind, Result};

impl Stage<'_> {
    /// The app in Marathon against the one that was rendered.
    pub(super) async fn is_as_rendered(&self, release: &Release) -> Result<Seen> {
        let (Some(id), Some(posted)) = (release.app_id(), self.posted(release)) else {
            return Ok(Seen::NotApplicable("it has no app".to_owned()));
        };
        let app = self.app(&id).await?;
        let mut different = Vec::new();
        differences("", &posted, &app, &mut different);
        let (labels, expected) = (app["labels"].as_object(), posted["labels"].as_object());
        let known = |name: &String| expected.is_some_and(|expected| expected.contains_key(name));
        for name in labels
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .filter(|name| !known(name))
        {
            different.push(format!("labels.{name}: nobody asked for it"));
        }
        if different.is_empty() {
            let fields = posted.as_object().map_or(0, serde_json::Map::len);
            let labels = labels.map_or(0, serde_json::Map::len);
            return Ok(Seen::that(format!(
                "{fields} fields and {labels} labels of {id} are as they were rendered"
            )));
        }
        Err(Error::new(
            Kind::Answer,
            format!("{id} in Marathon is not as it was rendered: {}", different.join("; ")),
        )
        .expected(posted.to_string())
        .evidence(app.to_string()))
    }

    /// The framework under its name.
    pub(super) async fn has_framework(&self, release: &Release) -> Result<Seen> {
        let Some(name) = release.framework() else {
            return Ok(Seen::NotApplicable(
                "package.json does not say that it is a framework".to_owned(),
            ));
        };
        let id = self.framework_id(&name).await?;
        Ok(Seen::that(format!("the framework {name} is active as {id}")))
    }

    /// The id of the one active framework of a name.
    pub(super) async fn framework_id(&self, name: &str) -> Result<String> {
        let master = self.cluster.mesos();
        Wait::that(format!("the framework {name} is active"), FRAMEWORK_REGISTERED)
            .until(async || {
                let frameworks = match master.state().await {
                    Ok(state) => state.typed.frameworks,
                    Err(error) => return Probe::NotYet(error.to_string()),
                };
                let own: Vec<_> = frameworks.iter().filter(|one| one.name == name && one.active).collect();
                match own.as_slice() {
                    [one] => Probe::Ready(one.id.to_string()),
                    others => {
                        let names: Vec<&str> = frameworks.iter().map(|one| one.name.as_str()).collect();
                        Probe::NotYet(format!(
                            "{} active of that name; there are {}",
                            others.len(),
                            names.join(", ")
                        ))
                    }
                }
            })
            .await
    }

    /// The page behind the router.
    pub(super) async fn has_page(&self, release: &Release) -> Result<Seen> {
        let label = release.label("DCOS_SERVICE_NAME").map(str::to_owned);
        let name = match (label, release.framework()) {
            (Some(name), _) => name,
            (None, Some(name)) => {
                let state = self.cluster.mesos().state().await?;
                let frameworks = state.raw["frameworks"].as_array().into_iter().flatten();
                let mut own = frameworks.filter(|framework| framework["name"] == name.as_str());
                if own.all(|framework| framework["webui_url"].as_str().is_none_or(str::is_empty)) {
                    return Ok(Seen::NotApplicable("the framework names no page".to_owned()));
                }
                name
            }
            (None, None) => {
                return Ok(Seen::NotApplicable(
                    "no label DCOS_SERVICE_NAME, and no framework".to_owned(),
                ));
            }
        };
        let http = self.cluster.master().http(admin_router::PORT);
        let path = format!("service/{name}/");
        Wait::that(format!("/{path} answers behind Admin Router"), SERVICE_PAGE)
            .until(async || match http.get(&path).send().await {
                Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => {
                    Probe::Ready(Seen::that(format!("{}: {}", answer.ran(), answer.status())))
                }
                Ok(answer) => Probe::NotYet(format!("{}: {}", answer.ran(), answer.status())),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// The names of tasks and framework.
    pub(super) async fn has_names(&self, release: &Release) -> Result<Seen> {
        let tasks = self.tasks(release).await?;
        let Some(task) = tasks.first() else {
            return Ok(Seen::NotApplicable("it has no task".to_owned()));
        };
        let http = self.cluster.master().http(mesos_dns::HTTP_PORT);
        let framework = release
            .framework()
            .map(|name| format!("{}.{}", label_of(&name), mesos_dns::DOMAIN));
        Wait::that(
            format!("the names of {} resolve", release.app_id().unwrap_or_default()),
            NAME_RESOLVED,
        )
        .until(async || {
            let look = async {
                let all: Value = http.get("v1/enumerate").send().await?.json()?;
                let mut found = Vec::new();
                let name = name_of(&all, &task.id).ok_or_else(|| unresolved(&task.id))?;
                for (name, expected) in
                    std::iter::once((name, Some(&task.host))).chain(framework.clone().map(|name| (name, None)))
                {
                    let hosts: Value = http.get(&format!("v1/hosts/{name}")).send().await?.json()?;
                    let addresses = hosts
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|host| host["ip"].as_str());
                    let addresses: Vec<&str> = addresses.filter(|ip| !ip.is_empty()).collect();
                    if addresses.is_empty() {
                        return Err(unresolved(&name));
                    }
                    let addresses = addresses.join(", ");
                    if expected.is_some_and(|expected| !addresses.contains(expected.as_str())) {
                        return Err(unresolved(&format!(
                            "{name} leads to {addresses}, and the task on another agent"
                        )));
                    }
                    found.push(format!("{name} is {addresses}"));
                }
                Ok(found)
            };
            match look.await {
                Ok(found) => Probe::Ready(Seen::Held(found)),
                Err(error) => Probe::NotYet(error.to_string()),
            }
        })
        .await
    }

    /// Every sub-command that the install brought.
    pub(super) async fn has_commands(&self, release: &Release) -> Result<Seen> {
        if !release.has_command() {
            return Ok(Seen::NotApplicable("it has no command.json".to_owned()));
        }
        let list = format!("ls \"$DCOS_HOME/.dcos/subcommands/{}/env/bin\"", self.subject.name());
        let programs = self.tools.run(ExecSpec::new(["sh", "-c", &list])).await?.success()?;
        let commands: Vec<&str> = programs
            .stdout
            .lines()
            .filter_map(|name| name.strip_prefix("dcos-"))
            .collect();
        if commands.is_empty() {
            return Err(
                Error::new(Kind::Answer, "what command.json names brings no program dcos-…")
                    .expected("a program whose name begins with `dcos-`")
                    .evidence(programs.stdout),
            );
        }
        let mut seen = Vec::new();
        for command in commands {
            for option in ["--info", "--help"] {
                let output = self.dcos(&[command, option]).await?;
                let first = output.stdout.lines().next().unwrap_or_default().to_owned();
                if first.trim().is_empty() {
                    return Err(
                        Error::new(Kind::Answer, format!("`dcos {command} {option}` says nothing"))
                            .expected("a text")
                            .ran(output.ran)
                            .evidence(output.stderr),
                    );
                }
                seen.push(format!("dcos {command} {option}: {first}"));
            }
        }
        Ok(Seen::Held(seen))
    }
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

/// Where `app` is not what `posted` asks for. What `posted` does not say, Marathon may add; a port 0 is any.
fn differences(path: &str, posted: &Value, app: &Value, found: &mut Vec<String>) {
    match (posted, app) {
        (Value::Object(posted), Value::Object(app)) => {
            for (key, value) in posted {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                match app.get(key) {
                    Some(own) => differences(&path, value, own, found),
                    None if value.is_null() => {}
                    None => found.push(format!("{path}: Marathon does not have it")),
                }
            }
        }
        (Value::Array(posted), Value::Array(app)) if posted.len() == app.len() => {
            for (index, (value, own)) in posted.iter().zip(app).enumerate() {
                differences(&format!("{path}.{index}"), value, own, found);
            }
        }
        (Value::Number(posted), Value::Number(app)) if posted.as_f64() == app.as_f64() => {}
        (Value::Number(zero), Value::Number(_)) if path.starts_with("ports.") && zero.as_f64() == Some(0.0) => {}
        (Value::String(posted), Value::String(app))
            if path == "id" && posted.trim_matches('/') == app.trim_matches('/') => {}
        (posted, app) if posted == app => {}
        (posted, app) => found.push(format!("{path}: {app} in place of {posted}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn different(posted: &Value, app: &Value) -> Vec<String> {
        let mut found = Vec::new();
        differences("", posted, app, &mut found);
        found
    }

    #[test]
    fn what_marathon_adds_is_no_difference_and_what_it_drops_is() {
        let posted = json!({"id": "a", "cpus": 1, "ports": [0, 80], "env": {"A": "1"}, "user": null});
        let app = json!({"id": "/a", "cpus": 1.0, "ports": [10000, 80], "env": {"A": "1"}, "mem": 128});
        assert_eq!(different(&posted, &app), [""; 0]);
        let changed = json!({"id": "/b", "cpus": 2, "ports": [10000, 81], "env": {}});
        assert_eq!(
            different(&posted, &changed),
            [
                "id: \"/b\" in place of \"a\"",
                "cpus: 2 in place of 1",
                "ports.1: 81 in place of 80",
                "env.A: Marathon does not have it"
            ]
        );
        assert_eq!(different(&json!({"ports": [0]}), &json!({"ports": []})).len(), 1);
    }

    #[test]
    fn a_task_is_found_by_its_id_and_a_framework_by_its_label() {
        let all = json!({"frameworks": [{"name": "marathon", "tasks": [{"id": "a.1", "records": [
            {"name": "_a._tcp.marathon.mesos.", "rtype": "SRV"}, {"name": "a.marathon.mesos.", "rtype": "A"}]}]}]});
        assert_eq!(name_of(&all, "a.1").as_deref(), Some("a.marathon.mesos"));
        assert_eq!(name_of(&all, "a.2"), None);
        assert_eq!(label_of("Hello_Framework 1"), "hello-framework-1");
    }
}
