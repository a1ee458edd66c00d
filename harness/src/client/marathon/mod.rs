//! Marathon: its REST API of the version 2, typed as far as scenarios look, and its event stream (Marathon 0.13
//! `docs/docs/rest-api.md`, `docs/docs/event-bus.md`).

mod awaits;
mod events;
mod model;
mod spec;

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Result;
use crate::client::{Answer, Http, Request};

pub use events::{Event, EventStream};
pub use model::{
    App, Deployment, HealthResult, Info, LastFailure, OfferReason, QueueItem, Started, Step, Task, Versions,
};
pub use spec::{AppSpec, Check};

/// A client of one Marathon. One that does not lead passes requests on to the one that does.
#[derive(Clone, Debug)]
pub struct MarathonClient {
    http: Http,
}

impl MarathonClient {
    /// `base` is `http://host:port`.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) when it is no such address.
    pub fn new(base: &str) -> Result<Self> {
        Ok(MarathonClient { http: Http::new(base)? })
    }

    /// For requests that have no method here.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// Sends any request and gives its answer, whatever the status: for scenarios of refusals.
    ///
    /// # Errors
    /// The request's; see [`Http`].
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.http.request(method, path);
        match body {
            Some(body) => request.json(body),
            None => request.header("accept", "application/json"),
        }
        .send()
        .await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.http
            .get(path)
            .header("accept", "application/json")
            .send()
            .await?
            .json()
    }

    async fn change(&self, request: Request) -> Result<Started> {
        let answer = request.send().await?;
        answer
            .expect(&[reqwest::StatusCode::OK, reqwest::StatusCode::CREATED])?
            .json_of_any()
    }

    /// `GET /v2/info`.
    ///
    /// # Errors
    /// The request's.
    pub async fn info(&self) -> Result<Info> {
        self.read("v2/info").await
    }

    /// `GET /v2/leader`: `host:port` of the leader.
    ///
    /// # Errors
    /// The request's; [`Kind::Answer`](crate::Kind::Answer) with the status 404 where there is none.
    pub async fn leader(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Leader {
            leader: String,
        }
        Ok(self.read::<Leader>("v2/leader").await?.leader)
    }

    /// `DELETE /v2/leader`: the leader steps down.
    ///
    /// # Errors
    /// The request's.
    pub async fn abdicate(&self) -> Result<()> {
        self.http
            .request(Method::DELETE, "v2/leader")
            .send()
            .await?
            .ok()
            .map(drop)
    }

    /// `GET /v2/apps`.
    ///
    /// # Errors
    /// The request's.
    pub async fn apps(&self) -> Result<Vec<App>> {
        #[derive(Deserialize)]
        struct Apps {
            apps: Vec<App>,
        }
        let request = self.http.get("v2/apps").query("embed", "apps.tasks");
        let answer = request.header("accept", "application/json").send().await?;
        Ok(answer.json::<Apps>()?.apps)
    }

    /// `GET /v2/apps/{id}`.
    ///
    /// # Errors
    /// The request's; [`Kind::Answer`](crate::Kind::Answer) with the status 404 where there is no such app.
    pub async fn app(&self, id: &str) -> Result<App> {
        #[derive(Deserialize)]
        struct One {
            app: App,
        }
        Ok(self.read::<One>(&path(id)).await?.app)
    }

    /// `POST /v2/apps`: a new app, and the deployment that starts it.
    ///
    /// # Errors
    /// The request's.
    pub async fn create(&self, app: &AppSpec) -> Result<Started> {
        let answer = self.http.post_json("v2/apps", app.json()).send().await?;
        let app: App = answer.expect(&[reqwest::StatusCode::CREATED])?.json_of_any()?;
        let deployment_id = app.deployments.first().map(|one| one.id.clone()).unwrap_or_default();
        Ok(Started {
            version: app.version,
            deployment_id,
        })
    }

    /// Creates an app and waits until it is deployed.
    ///
    /// # Errors
    /// The request's, and those of [`MarathonClient::deployed`].
    pub async fn run(&self, app: &AppSpec) -> Result<App> {
        let started = self.create(app).await?;
        self.deployed(&started).await?;
        self.app(app.id()).await
    }

    /// `PUT /v2/apps/{id}`: changes what `change` names.
    ///
    /// # Errors
    /// The request's.
    pub async fn update(&self, id: &str, change: &Value) -> Result<Started> {
        self.change(self.http.request(Method::PUT, &path(id)).json(change))
            .await
    }

    /// As [`MarathonClient::update`], although a deployment holds the app: that one is given up.
    ///
    /// # Errors
    /// The request's.
    pub async fn force(&self, id: &str, change: &Value) -> Result<Started> {
        let request = self.http.request(Method::PUT, &path(id)).query("force", true);
        self.change(request.json(change)).await
    }

    /// Another number of instances.
    ///
    /// # Errors
    /// The request's.
    pub async fn scale(&self, id: &str, instances: u32) -> Result<Started> {
        self.update(id, &json!({ "instances": instances })).await
    }

    /// `POST /v2/apps/{id}/restart`.
    ///
    /// # Errors
    /// The request's.
    pub async fn restart(&self, id: &str) -> Result<Started> {
        self.change(self.http.request(Method::POST, &format!("{}/restart", path(id))))
            .await
    }

    /// `DELETE /v2/apps/{id}`.
    ///
    /// # Errors
    /// The request's.
    pub async fn delete(&self, id: &str) -> Result<Started> {
        self.change(self.http.request(Method::DELETE, &path(id))).await
    }

    /// `GET /v2/apps/{id}/versions`, the newest first.
    ///
    /// # Errors
    /// The request's.
    pub async fn versions(&self, id: &str) -> Result<Vec<String>> {
        Ok(self.read::<Versions>(&format!("{}/versions", path(id))).await?.versions)
    }

    /// `GET /v2/tasks`: of all apps.
    ///
    /// # Errors
    /// The request's.
    pub async fn tasks(&self) -> Result<Vec<Task>> {
        #[derive(Deserialize)]
        struct Tasks {
            tasks: Vec<Task>,
        }
        Ok(self.read::<Tasks>("v2/tasks").await?.tasks)
    }

    /// `DELETE /v2/apps/{id}/tasks/{task}`; with `scale` the app has one instance less afterwards.
    ///
    /// # Errors
    /// The request's.
    pub async fn kill_task(&self, task: &Task, scale: bool) -> Result<()> {
        let path = format!("{}/tasks/{}", path(&task.app_id), task.id);
        let request = self.http.request(Method::DELETE, &path).query("scale", scale);
        request.send().await?.ok().map(drop)
    }

    /// `GET /v2/deployments`: those under way.
    ///
    /// # Errors
    /// The request's.
    pub async fn deployments(&self) -> Result<Vec<Deployment>> {
        self.read("v2/deployments").await
    }

    /// `DELETE /v2/deployments/{id}`: a deployment is undone by another one.
    ///
    /// # Errors
    /// The request's.
    pub async fn roll_back(&self, started: &Started) -> Result<Started> {
        let path = format!("v2/deployments/{}", started.deployment_id);
        self.change(self.http.request(Method::DELETE, &path)).await
    }

    /// `GET /v2/queue`: what waits to be launched.
    ///
    /// # Errors
    /// The request's.
    pub async fn queue(&self) -> Result<Vec<QueueItem>> {
        #[derive(Deserialize)]
        struct Queue {
            queue: Vec<QueueItem>,
        }
        Ok(self.read::<Queue>("v2/queue").await?.queue)
    }

    /// `GET /v2/events`: everything from now on. The first event of the stream, which tells of the stream itself, has
    /// been read.
    ///
    /// # Errors
    /// The request's.
    pub async fn events(&self) -> Result<EventStream> {
        EventStream::open(self.http.get("v2/events")).await
    }
}

/// The path of an app, whether its id begins with a slash or not.
fn path(id: &str) -> String {
    format!("v2/apps/{}", id.trim_start_matches('/'))
}
