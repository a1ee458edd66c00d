//! From each earlier revision to this one and back, as an operator of 2016 did it: the client has no command for it, so
//! what `dcos package describe --render` prints is given to `dcos marathon app update`.

use std::time::Instant;

use serde_json::json;

use super::checks::LiveCheck;
use super::stage::{Seen, Stage, ended};
use super::subject::Release;
use super::traces::Traces;
use crate::await_until::{Probe, Wait};
use crate::deadlines::UPDATE_TAKEN;
use crate::docker::exec::ExecSpec;
use crate::package::source::Revision;
use crate::{Error, Kind, Result};

/// What an upgrade and the way back came to.
#[derive(Debug, Default)]
struct Way {
    seen: Vec<String>,
    kept: Vec<String>,
    lost: Vec<String>,
}

impl Stage<'_> {
    /// All earlier revisions. `before` is the cluster without the package.
    pub(super) async fn upgrades(&mut self, release: &Release, before: &Traces) -> Result<()> {
        let earlier = self.subject.earlier();
        let began = Instant::now();
        if earlier.is_empty() || release.app_id().is_none() {
            let why = if earlier.is_empty() {
                "there is no earlier revision"
            } else {
                "it has no app"
            };
            for check in [LiveCheck::UpgradeHealthy, LiveCheck::UpgradeState] {
                self.judge(check, began, Ok(Seen::NotApplicable(why.to_owned())))
                    .await?;
            }
            return Ok(());
        }
        let mut way = Way::default();
        for revision in &earlier {
            if let Err(error) = self.there_and_back(release, revision, before, &mut way).await {
                self.judge(LiveCheck::UpgradeHealthy, began, Err(error)).await?;
                return Ok(());
            }
            if !way.lost.is_empty() {
                // What was lost stands in the way of whatever comes next.
                break;
            }
        }
        self.judge(LiveCheck::UpgradeHealthy, began, Ok(Seen::Held(way.seen)))
            .await?;
        let seen =
            match way.lost.as_slice() {
                [] if way.kept.is_empty() => Ok(Seen::that("it keeps nothing outside of its tasks")),
                [] => Ok(Seen::Held(way.kept)),
                lost => Err(Error::new(Kind::Answer, format!("an update lost {}", lost.join(", ")))
                    .expected(way.kept.join("\n"))),
            };
        self.judge(LiveCheck::UpgradeState, began, seen).await?;
        Ok(())
    }

    async fn there_and_back(
        &mut self,
        release: &Release,
        revision: &Revision,
        before: &Traces,
        way: &mut Way,
    ) -> Result<()> {
        // Options that the earlier revision does not know are the new one's.
        let old = self.subject.release(revision, &release.options);
        let old = match old {
            Ok(old) => old,
            Err(error) if error.kind() == Kind::Usage => self.subject.release(revision, &json!({}))?,
            Err(error) => return Err(error),
        };
        self.install(&old).await?;
        self.healthy(&old).await?;
        let framework = self.framework_of(&old).await?;
        way.kept
            .extend(framework.iter().map(|id| format!("the framework {id}")));
        let first = Traces::of(&self.cluster).await?;
        way.kept.extend(first.lost(before));
        for (from, to) in [(&old, release), (release, &old)] {
            self.update(from, to).await?;
            way.seen.push(format!("revision {} became {}", from.number, to.number));
            way.seen.extend(self.healthy(to).await?);
            let now = self.framework_of(to).await?;
            way.lost = first.lost(&Traces::of(&self.cluster).await?);
            if let Some(id) = framework.as_ref().filter(|id| now.as_ref() != Some(id)) {
                way.lost.push(format!("the framework {id}"));
            }
            if !way.lost.is_empty() {
                return Ok(());
            }
        }
        self.uninstall().await?;
        self.gone(&old).await
    }

    /// The id of a release's framework, where it is one.
    async fn framework_of(&self, release: &Release) -> Result<Option<String>> {
        match release.framework() {
            Some(name) => self.framework_id(&name).await.map(Some),
            None => Ok(None),
        }
    }

    /// Has Marathon run another release of the app.
    async fn update(&mut self, from: &Release, to: &Release) -> Result<()> {
        let id = from.app_id().unwrap_or_default();
        // The new release's tasks are other tasks: what happens to these is the update's doing.
        let old = self.tasks(from).await?;
        self.killed.extend(old.into_iter().map(|task| task.id));
        let script = "set -e\ncat >/tmp/update-options.json\n\
                      dcos package describe --app --render --options=/tmp/update-options.json --package-version=\"$1\" \
                      \"$2\" >/tmp/update.json\n\
                      dcos marathon app update \"$3\" </tmp/update.json";
        let words = ["sh", "-c", script, "sh", to.version(), self.subject.name(), &id];
        let update = ExecSpec::new(words).stdin(to.options.to_string());
        let output = ended(self.tools.run(update).await?, "dcos marathon app update")?;
        match output.stdout.starts_with("Created deployment ") {
            true => Ok(()),
            false => Err(
                Error::new(Kind::Answer, "the client did not say which deployment updates the app")
                    .ran(output.ran)
                    .evidence(output.stdout),
            ),
        }
    }

    /// Waits until the app of a release is gone, so that another can be installed in its place.
    pub(super) async fn gone(&self, release: &Release) -> Result<()> {
        let Some(id) = release.app_id() else { return Ok(()) };
        let marathon = self.cluster.marathon();
        Wait::that(format!("{id} is gone from Marathon"), UPDATE_TAKEN)
            .until(async || match (marathon.apps().await, marathon.deployments().await) {
                (Ok(apps), Ok(deployments)) => {
                    let is_there = apps.iter().any(|app| app.id == id);
                    let is_held = deployments.iter().any(|one| one.affected_apps.contains(&id));
                    match is_there || is_held {
                        true => Probe::NotYet("it is still there".to_owned()),
                        false => Probe::Ready(()),
                    }
                }
                (Err(error), _) | (_, Err(error)) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}
