//! The cluster that a package is installed on, and what every check asks of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::Certifier;
use super::certificate::{AnyCheck, Judged};
use super::checks::LiveCheck;
use super::subject::{Release, Subject, registry};
use crate::await_until::{Probe, Wait};
use crate::client::marathon::{App, Task};
use crate::deadlines::{COMES_BACK, DEPLOYMENT, Deadline};
use crate::docker::exec::{ExecOutput, ExecSpec};
use crate::report::Outcome;
use crate::toolbox::Toolbox;
use crate::{Cluster, Error, Kind, Result};

/// Lines of a task's output that a failure shows.
const TAIL_LINES: usize = 8;
/// Of each of them.
const TAIL_COLUMNS: usize = 200;
/// Where the options of an install lie in the toolbox.
const OPTIONS: &str = "/tmp/options.json";
/// pip may have much to bring.
const CLIENT: Deadline = Deadline::custom("CLIENT", Duration::from_secs(300));

/// What a check saw.
#[derive(Debug)]
pub(super) enum Seen {
    /// What it demands; how it shows.
    Held(Vec<String>),
    /// It is about something that the package does not have.
    NotApplicable(String),
}

impl Seen {
    pub(super) fn that(line: impl Into<String>) -> Self {
        Seen::Held(vec![line.into()])
    }
}

/// The cluster, and what became of the checks so far.
#[derive(Debug)]
pub(super) struct Stage<'s> {
    pub(super) cluster: Cluster,
    pub(super) tools: Toolbox,
    pub(super) subject: &'s Subject,
    pub(super) judged: Vec<Judged>,
    /// Tasks that were ended on purpose: that they failed is no failure of theirs.
    pub(super) killed: BTreeSet<String>,
    /// Hosts of agents that were lost on purpose: what Marathon started there while it did not know it yet is no failure.
    pub(super) lost: BTreeSet<String>,
    first_failure: bool,
    /// What a service is given to come back, where the user says so.
    back: Option<Duration>,
}

impl<'s> Stage<'s> {
    pub(super) async fn set(cluster: Cluster, subject: &'s Subject, certifier: &Certifier) -> Result<Self> {
        let tools = cluster.toolbox().await?;
        Ok(Stage {
            cluster,
            tools,
            subject,
            judged: Vec::new(),
            killed: BTreeSet::new(),
            lost: BTreeSet::new(),
            first_failure: certifier.first_failure,
            back: certifier.back,
        })
    }

    /// Records what a check that began at `began` came to, and whether those that need it can be made.
    ///
    /// # Errors
    /// Where the machine or the harness is at fault: nothing can be said of the package then.
    pub(super) async fn judge(&mut self, check: LiveCheck, began: Instant, seen: Result<Seen>) -> Result<bool> {
        let mut judged = unjudged(check);
        judged.seconds = began.elapsed().as_secs_f64();
        match seen {
            Ok(Seen::Held(lines)) => {
                judged.outcome = Outcome::Passed;
                judged.evidence = lines;
            }
            Ok(Seen::NotApplicable(why)) => {
                judged.outcome = Outcome::NotApplicable;
                judged.reason = Some(why);
            }
            Err(error) if error.kind().is_subjects_fault() => {
                judged.outcome = Outcome::Failed;
                judged.reason = Some(error.to_string());
                judged.remedy = Some(check.remedy().to_owned());
                judged.evidence = vec![error.explain()];
                judged.evidence.extend(self.output().await);
            }
            Err(error) => return Err(error),
        }
        tracing::info!("{check}: {} after {:.1?}", judged.outcome, began.elapsed());
        let good = judged.outcome != Outcome::Failed;
        self.judged.push(judged);
        Ok(good)
    }

    /// Whether no further check is to be made.
    pub(super) fn is_over(&self) -> bool {
        self.first_failure && self.judged.iter().any(|judged| judged.outcome == Outcome::Failed)
    }

    /// Runs the dcos CLI, which must end with 0.
    pub(super) async fn dcos(&self, args: &[&str]) -> Result<ExecOutput> {
        let words = std::iter::once("dcos").chain(args.iter().copied());
        let output = self.tools.run(ExecSpec::new(words).within(CLIENT)).await?;
        // Not the harness's own files.
        let told = args.iter().filter(|word| !word.contains('=')).copied();
        ended(output, &format!("dcos {}", told.collect::<Vec<_>>().join(" ")))
    }

    /// `dcos package install` of a revision, as a person who has said yes.
    pub(super) async fn install(&self, release: &Release) -> Result<ExecOutput> {
        let write = ExecSpec::new(["sh", "-c", &format!("cat >{OPTIONS}")]).stdin(release.options.to_string());
        self.tools.run(write).await?.success()?;
        let options = format!("--options={OPTIONS}");
        let version = format!("--package-version={}", release.version());
        let install = ["package", "install", "--yes", &options, &version, self.subject.name()];
        let output = self.dcos(&install).await?;
        for note in release.notes() {
            if !output.stdout.contains(note.trim_end()) {
                return Err(
                    Error::new(Kind::Answer, "the client did not show the notes of package.json")
                        .expected(note)
                        .ran(output.ran)
                        .evidence(output.stdout),
                );
            }
        }
        Ok(output)
    }

    /// `dcos package uninstall`.
    pub(super) async fn uninstall(&self) -> Result<ExecOutput> {
        self.dcos(&["package", "uninstall", self.subject.name()]).await
    }

    /// The app of a release as Marathon has it.
    pub(super) async fn app(&self, id: &str) -> Result<Value> {
        let path = format!("v2/apps{id}");
        let marathon = self.cluster.marathon();
        let answer = marathon
            .http()
            .get(&path)
            .header("accept", "application/json")
            .send()
            .await?;
        Ok(answer.json::<Value>()?["app"].take())
    }

    /// What the client would post for a release.
    pub(super) fn posted(&self, release: &Release) -> Option<Value> {
        let url = self
            .cluster
            .served()
            .sources
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        release.posted(url, &registry(&self.subject.source))
    }

    /// Waits until every task of a release runs and passes its checks, none of them being one that was killed.
    ///
    /// # Errors
    /// [`Kind::Answer`] as soon as a task failed that nobody killed, or is not healthy when its time is over;
    /// [`Kind::Deadline`] where it does not come to that.
    pub(super) async fn healthy(&self, release: &Release) -> Result<Vec<String>> {
        self.healthy_within(release, DEPLOYMENT.limit()).await
    }

    /// The bound of a wait for what is to be there again: `usual`, unless the user says another.
    pub(super) fn back(&self, usual: Deadline) -> Deadline {
        self.back.map_or(usual, |limit| Deadline::custom(usual.name, limit))
    }

    /// [`Stage::healthy`] after something was lost.
    pub(super) async fn healthy_again(&self, release: &Release) -> Result<Vec<String>> {
        self.healthy_within(release, self.back(COMES_BACK).limit()).await
    }

    async fn healthy_within(&self, release: &Release, limit: Duration) -> Result<Vec<String>> {
        let Some(id) = release.app_id() else {
            return Ok(Vec::new());
        };
        let patience = patience(release.rendered.app.as_ref());
        let checked = release
            .rendered
            .app
            .as_ref()
            .and_then(|app| app["healthChecks"].as_array());
        let checked = checked.is_some_and(|checks| !checks.is_empty());
        let instances = release.instances();
        let marathon = self.cluster.marathon();
        let deadline = Deadline::custom("HEALTHY", limit + patience);
        let app = Wait::that(format!("{instances} tasks of {id} are healthy"), deadline)
            .until(async || {
                let app = match marathon.app(&id).await {
                    Ok(app) => app,
                    Err(error) => return Probe::NotYet(error.to_string()),
                };
                if let Err(error) = self.still_possible(&app, patience, checked) {
                    return Probe::Broken(error);
                }
                let healthy = !checked || app.tasks_healthy == instances;
                let is_old = |task: &Task| self.killed.contains(&task.id) || self.lost.contains(&task.host);
                let old = app.tasks.iter().any(is_old);
                match app.deployments.is_empty() && app.tasks_running == instances && healthy && !old {
                    true => Probe::Ready(app),
                    false => Probe::NotYet(format!(
                        "{} run, {} of them healthy, {} deployments",
                        app.tasks_running,
                        app.tasks_healthy,
                        app.deployments.len()
                    )),
                }
            })
            .await?;
        Ok(app.tasks.iter().map(|task| said(task, patience)).collect())
    }

    fn still_possible(&self, app: &App, patience: Duration, checked: bool) -> Result<()> {
        let failure = app.last_task_failure.as_ref();
        let meant = |task: &str, host: &String| self.killed.contains(task) || self.lost.contains(host);
        if let Some(failure) = failure.filter(|failure| !meant(&failure.task_id, &failure.host)) {
            return Err(Error::new(
                Kind::Answer,
                format!(
                    "the task {} ended as {}: {}",
                    failure.task_id, failure.state, failure.message
                ),
            )
            .expected("a task that runs on"));
        }
        let late = |task: &&Task| {
            let alive = !task.health_check_results.is_empty() && task.health_check_results.iter().all(|one| one.alive);
            checked && !alive && age(task).is_some_and(|age| age > patience)
        };
        let here = |task: &&Task| !self.lost.contains(&task.host);
        match app.tasks.iter().filter(here).find(late) {
            None => Ok(()),
            Some(task) => Err(Error::new(
                Kind::Answer,
                format!("the task {} is not healthy {:.0?} after its start", task.id, patience),
            )
            .expected("a passed health check by the first probe after its grace period")
            .evidence(format!("{:?}", task.health_check_results))),
        }
    }

    /// The tasks of the app of a release, of which there must be one.
    pub(super) async fn tasks(&self, release: &Release) -> Result<Vec<Task>> {
        let Some(id) = release.app_id() else {
            return Ok(Vec::new());
        };
        Ok(self.cluster.marathon().app(&id).await?.tasks)
    }

    /// The end of what every task of Marathon wrote, for a failure; and why the last one ended.
    async fn output(&self) -> Vec<String> {
        let mut shown = Vec::new();
        let Ok(state) = self.cluster.mesos().state().await else {
            return shown;
        };
        let tasks = state
            .typed
            .frameworks
            .iter()
            .flat_map(|framework| framework.tasks.iter().chain(&framework.completed_tasks));
        for task in tasks.take(4) {
            let agent = state.typed.slaves.iter().find(|agent| agent.id == task.slave_id);
            let Some(node) = agent.and_then(|agent| self.cluster.node_of(&agent.hostname).ok()) else {
                continue;
            };
            let Ok(sandbox) = node.agent().sandbox(&task.framework_id, &task.id).await else {
                continue;
            };
            for file in ["stdout", "stderr"] {
                let text = sandbox.text(file).await.unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
                if !tail.is_empty() {
                    let tail = tail
                        .iter()
                        .map(|line| line.chars().take(TAIL_COLUMNS).collect::<String>());
                    let tail: Vec<String> = tail.collect();
                    shown.push(format!("end of {file} of {}:\n{}", task.id, tail.join("\n")));
                }
            }
        }
        shown
    }
}

/// The output of a command that must end with 0; else the last line that it said is why it did not.
pub(super) fn ended(output: ExecOutput, what: &str) -> Result<ExecOutput> {
    if output.exit_code == 0 {
        return Ok(output);
    }
    let streams = [&output.stderr, &output.stdout];
    let mut lines = streams
        .iter()
        .flat_map(|stream| stream.lines().rev())
        .filter(|line| !line.trim().is_empty());
    let last = lines.next().unwrap_or("it said nothing").trim();
    let error = Error::new(
        Kind::Answer,
        format!("`{what}` ended with exit code {}: {last}", output.exit_code),
    );
    Err(error
        .expected("exit code 0")
        .ran(&output.ran)
        .evidence(format!("{}{}", output.stdout, output.stderr)))
}

/// A check that was not made.
pub(super) fn unjudged(check: LiveCheck) -> Judged {
    Judged {
        check: AnyCheck::Live(check),
        demands: check.what(),
        outcome: Outcome::NotRun,
        seconds: 0.0,
        reason: None,
        remedy: None,
        evidence: Vec::new(),
    }
}

/// How long a task may take from its start to its first passed checks: the grace period, and one probe after it.
fn patience(app: Option<&Value>) -> Duration {
    let checks = app.and_then(|app| app["healthChecks"].as_array());
    let of = |check: &Value| {
        // Marathon 0.13's own where the app says nothing.
        let seconds = |key: &str, default: u64| check[key].as_u64().unwrap_or(default);
        seconds("gracePeriodSeconds", 300) + seconds("intervalSeconds", 60) + seconds("timeoutSeconds", 20)
    };
    let longest = checks.into_iter().flatten().map(of).max();
    Duration::from_secs(longest.unwrap_or_default())
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text?.parse().ok()
}

fn age(task: &Task) -> Option<Duration> {
    let since = Timestamp::now().duration_since(time(task.started_at.as_ref())?);
    Duration::try_from(since).ok()
}

fn said(task: &Task, patience: Duration) -> String {
    let started = time(task.started_at.as_ref());
    let first = task
        .health_check_results
        .iter()
        .filter_map(|one| time(one.first_success.as_ref()))
        .max();
    let took = started
        .zip(first)
        .map(|(started, first)| first.duration_since(started).as_secs_f64().max(0.0));
    match took {
        Some(took) => format!(
            "{} on {} was healthy {took:.1} s after its start; it has {patience:.0?}",
            task.id, task.host
        ),
        None => format!("{} runs on {}", task.id, task.host),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_has_its_grace_period_and_one_probe_after_it() {
        let app = json!({"healthChecks": [
            {"gracePeriodSeconds": 10, "intervalSeconds": 5, "timeoutSeconds": 2},
            {"gracePeriodSeconds": 1, "intervalSeconds": 1, "timeoutSeconds": 1}]});
        assert_eq!(patience(Some(&app)), Duration::from_secs(17));
        assert_eq!(patience(Some(&json!({"healthChecks": [{}]}))), Duration::from_secs(380));
        assert_eq!(patience(None), Duration::ZERO);
    }
}
