//! Waiting for what Marathon does.

use super::{App, MarathonClient, QueueItem, Started};
use crate::Result;
use crate::await_until::{Probe, Wait};
use crate::deadlines::{APP_STATE, DEPLOYMENT, MARATHON_FAILOVER};

impl MarathonClient {
    /// Waits until a deployment has ended.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`DEPLOYMENT`], with what it was doing.
    pub async fn deployed(&self, started: &Started) -> Result<()> {
        let id = &started.deployment_id;
        Wait::that(format!("Marathon's deployment {id} ends"), DEPLOYMENT)
            .until(async || match self.deployments().await {
                Ok(all) => match all.into_iter().find(|one| one.id == *id) {
                    None => Probe::Ready(()),
                    Some(one) => Probe::NotYet(format!(
                        "step {} of {}: {:?}",
                        one.current_step, one.total_steps, one.current_actions
                    )),
                },
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until no deployment is under way: an app that one changes is locked.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`DEPLOYMENT`], with what goes on.
    pub async fn at_rest(&self) -> Result<()> {
        Wait::that("no deployment of Marathon's is under way", DEPLOYMENT)
            .until(async || match self.deployments().await {
                Ok(all) if all.is_empty() => Probe::Ready(()),
                Ok(all) => Probe::NotYet(format!("{all:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until an app is as `holds` wants it: `what` is a sentence such as "/a has two tasks".
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`APP_STATE`], with the app as it was last.
    pub async fn await_app(&self, id: &str, what: &str, holds: impl Fn(&App) -> bool) -> Result<App> {
        Wait::that(what.to_owned(), APP_STATE)
            .until(async || match self.app(id).await {
                Ok(app) if holds(&app) => Probe::Ready(app),
                Ok(app) => Probe::NotYet(format!("{app:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until an app waits for offers as `holds` wants it.
    ///
    /// # Errors
    /// As [`MarathonClient::await_app`].
    pub async fn await_queued(&self, id: &str, what: &str, holds: impl Fn(&QueueItem) -> bool) -> Result<QueueItem> {
        Wait::that(what.to_owned(), APP_STATE)
            .until(async || match self.queue().await {
                Ok(queue) => match queue.into_iter().find(|item| item.app.id == id) {
                    Some(item) if holds(&item) => Probe::Ready(item),
                    Some(item) => Probe::NotYet(format!("{item:?}")),
                    None => Probe::NotYet(format!("{id} is not in the queue")),
                },
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until this one says that a leader other than `before` leads, and gives its `host:port`.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`MARATHON_FAILOVER`].
    pub async fn await_leader_other_than(&self, before: &str) -> Result<String> {
        Wait::that(format!("another Marathon than {before} leads"), MARATHON_FAILOVER)
            .until(async || match self.leader().await {
                Ok(leader) if leader != before => Probe::Ready(leader),
                Ok(leader) => Probe::NotYet(format!("{leader} leads")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until it answers as one that leads or follows does, and its leader is registered with Mesos.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) after [`MARATHON_FAILOVER`].
    pub async fn await_ready(&self) -> Result<()> {
        Wait::that("Marathon leads or follows", MARATHON_FAILOVER)
            .until(async || match self.info().await {
                Ok(info) if info.leader.is_some() && info.framework_id.is_some() => Probe::Ready(()),
                Ok(info) => Probe::NotYet(format!("{info:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}
