//! What an installed package does: it is the app that was rendered, and answers wherever people and programs look for it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::left::{Rest, generation};
use super::stage::{Seen, Stage};
use super::subject::Release;
use crate::await_until::{Probe, Wait};
use crate::deadlines::FRAMEWORK_REGISTERED;
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
                let own = frameworks.iter().filter(|one| one.name == name);
                let active: Vec<_> = own.filter(|one| one.active).collect();
                if let [one] = active.as_slice() {
                    return Probe::Ready(one.id.to_string());
                }
                let names: Vec<&str> = frameworks.iter().map(|one| one.name.as_str()).collect();
                // Never final: a scheduler of a JVM registers many seconds after it is healthy.
                Probe::NotYet(format!(
                    "{} active of that name; there are {}",
                    active.len(),
                    names.join(", ")
                ))
            })
            .await
    }

    /// What a look came to that found `why` it is not yet so: no more looks where that is final.
    pub(super) async fn unless_final<T>(&self, rest: &Mutex<Rest<String>>, why: String) -> Probe<T> {
        let generation = match generation(&self.cluster).await {
            Ok(generation) => generation,
            Err(error) => return Probe::NotYet(error.to_string()),
        };
        let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
        match rest.look(Instant::now(), why.clone(), generation, false) {
            true => Probe::Broken(Error::new(Kind::Answer, why)),
            false => Probe::NotYet(why),
        }
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
}
