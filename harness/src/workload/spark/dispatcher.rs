//! The dispatcher's REST API (Spark 1.6.0, `org.apache.spark.deploy.rest.mesos.MesosRestServer`).

use reqwest::Method;
use serde_json::Value;

use super::{Created, DriverState, Killed, Status, Submission};
use crate::await_until::{Probe, Wait};
use crate::client::{Answer, Http};
use crate::deadlines::SPARK_DRIVER;
use crate::{Error, Kind, Result};

/// What every path begins with.
const BASE: &str = "v1/submissions";

/// A client of one dispatcher, at its own port or behind Admin Router.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    http: Http,
}

impl Dispatcher {
    /// `base` is `http://host:port`, with a path where it is behind a router.
    ///
    /// # Errors
    /// [`Kind::Usage`] when it is no such address.
    pub fn new(base: &str) -> Result<Self> {
        Ok(Dispatcher { http: Http::new(base)? })
    }

    /// For requests that have no method here.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Sends any request and gives its answer, whatever the status: for scenarios of refusals.
    ///
    /// # Errors
    /// The request's.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&str>) -> Result<Answer> {
        let request = self.http.request(method, path);
        match body {
            Some(body) => request.json_text(body),
            None => request,
        }
        .send()
        .await
    }

    /// `POST create`, whether it is taken or not. Spark 1.6.0 takes one without `appArgs` too, and ends at its next offer,
    /// and whenever it starts again, until `/spark_mesos_dispatcher` is removed from ZooKeeper: [`Submission`] has them.
    ///
    /// # Errors
    /// The request's.
    pub async fn create(&self, submission: &Submission) -> Result<Created> {
        let body = submission.to_json();
        let request = self.http.post_json(&format!("{BASE}/create"), &body);
        request.send().await?.json()
    }

    /// Submits a driver, and gives its id.
    ///
    /// # Errors
    /// [`Kind::Answer`] where it is not taken; the request's.
    pub async fn submit(&self, submission: &Submission) -> Result<String> {
        let created = self.create(submission).await?;
        match created.success {
            true => Ok(created.submission_id),
            false => {
                Err(Error::new(Kind::Answer, "the dispatcher refused a submission").evidence(format!("{created:?}")))
            }
        }
    }

    /// `GET status`.
    ///
    /// # Errors
    /// The request's.
    pub async fn status(&self, id: &str) -> Result<Status> {
        self.http.get(&format!("{BASE}/status/{id}")).send().await?.json()
    }

    /// `POST kill`.
    ///
    /// # Errors
    /// The request's.
    pub async fn kill(&self, id: &str) -> Result<Killed> {
        let request = self.http.request(Method::POST, &format!("{BASE}/kill/{id}"));
        request.send().await?.json()
    }

    /// Waits until a driver is in this state.
    ///
    /// # Errors
    /// [`Kind::Deadline`] after [`SPARK_DRIVER`], with its status; [`Kind::Answer`] once it can come to that no more.
    pub async fn await_state(&self, id: &str, wanted: DriverState) -> Result<Status> {
        self.await_status(id, &format!("the driver {id} is {wanted}"), |status| {
            status.driver_state == wanted
        })
        .await
    }

    /// Waits until the status of a driver is as `holds` wants it: `what` is a sentence.
    ///
    /// # Errors
    /// As [`Dispatcher::await_state`].
    pub async fn await_status(&self, id: &str, what: &str, holds: impl Fn(&Status) -> bool) -> Result<Status> {
        Wait::that(what.to_owned(), SPARK_DRIVER)
            .until(async || match self.status(id).await {
                Ok(status) if holds(&status) => Probe::Ready(status),
                Ok(status) if status.driver_state == DriverState::Finished => Probe::Broken(
                    Error::new(Kind::Answer, format!("the driver {id} has ended")).evidence(format!("{status:?}")),
                ),
                Ok(status) => Probe::NotYet(format!("{status:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// An answer's document where it is one.
    ///
    /// # Errors
    /// The request's, and [`Kind::Answer`] where it is no JSON.
    pub async fn document(&self, method: Method, path: &str, body: Option<&str>) -> Result<(u16, Value)> {
        let answer = self.ask(method, path, body).await?;
        Ok((answer.status().as_u16(), answer.json_of_any()?))
    }
}
