//! Prometheus beside a cluster, which finds what to ask for figures by its own discovery of Marathon's apps.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use testcontainers::ImageExt as _;

use super::clients;
use super::file_server::Companion;
use crate::await_until::{Probe, Wait};
use crate::client::Http;
use crate::component::marathon;
use crate::deadlines::{APP_STATE, HTTP_REQUEST};
use crate::provenance::ComponentRecord;
use crate::{Cluster, Result, evidence};

/// As it stands in the component label.
pub const NAME: &str = "prometheus";
const PORT: u16 = 9090;
const CONFIG: &str = "/etc/prometheus/of-marathon.yml";

/// A server of Prometheus. It goes with this value.
#[derive(Debug)]
pub struct Prometheus {
    http: Http,
    _companion: Companion,
}

/// What Prometheus asks for figures (`GET /api/v1/targets`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What its discovery said of it: `__meta_marathon_app` and the like.
    pub discovered_labels: BTreeMap<String, String>,
    /// What its figures are labelled with.
    pub labels: BTreeMap<String, String>,
    /// The URL that is asked.
    pub scrape_url: String,
    /// `up`, `down` or `unknown`.
    pub health: String,
    /// Why it is down.
    #[serde(default)]
    pub last_error: String,
}

impl Prometheus {
    /// Starts one that looks each second at the apps of the Marathon on the first master of `cluster`, and each second
    /// at every port of their tasks. Figures have the app's id as the label `app`.
    ///
    /// # Errors
    /// [`Kind::Image`](crate::Kind::Image) or [`Kind::Environment`](crate::Kind::Environment) where the container cannot
    /// be had, [`Kind::Deadline`](crate::Kind::Deadline) where it does not answer.
    pub async fn of_marathon(cluster: &Cluster) -> Result<Self> {
        let server = format!("http://{}:{}", cluster.master().address(), marathon::PORT);
        let config = configuration(&server).to_string();
        let companion = Companion::start(cluster, &clients::image(), NAME, |request| {
            let flags = [
                NAME.to_owned(),
                format!("--config.file={CONFIG}"),
                "--storage.tsdb.path=/tmp/prometheus".to_owned(),
                format!("--web.listen-address=:{PORT}"),
            ];
            request.with_cmd(flags).with_copy_to(CONFIG, config.into_bytes())
        })
        .await?;
        let images = cluster.images();
        let image = images.reference(&clients::image())?;
        let record = ComponentRecord::of_debian(images, image, NAME, NAME).await?;
        evidence::current().components([record]);
        let http = Http::new(&format!("http://{}:{PORT}", companion.address))?;
        let server = Prometheus {
            http,
            _companion: companion,
        };
        server.ready().await?;
        Ok(server)
    }

    async fn ready(&self) -> Result<()> {
        Wait::that("Prometheus serves", HTTP_REQUEST)
            .until(async || match self.http.get("-/ready").send().await {
                Ok(answer) if answer.status().is_success() => Probe::Ready(()),
                Ok(answer) => Probe::NotYet(answer.text()),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Everything that it asks now.
    ///
    /// # Errors
    /// The request's.
    pub async fn targets(&self) -> Result<Vec<Target>> {
        #[derive(Deserialize)]
        struct Answer {
            data: Data,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            active_targets: Vec<Target>,
        }
        let answer = self.http.get("api/v1/targets").query("state", "active").send().await?;
        Ok(answer.json::<Answer>()?.data.active_targets)
    }

    /// Waits until what it asks is as `holds` wants it: `what` is a sentence such as "two tasks are up".
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) with what it asks instead.
    pub async fn await_targets(&self, what: &str, holds: impl Fn(&[Target]) -> bool) -> Result<Vec<Target>> {
        Wait::that(what.to_owned(), APP_STATE)
            .until(async || match self.targets().await {
                Ok(targets) if holds(&targets) => Probe::Ready(targets),
                Ok(targets) => Probe::NotYet(format!("{targets:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Waits until an expression gives one figure, and this one: what was scraped is kept a little later.
    ///
    /// # Errors
    /// [`Kind::Deadline`](crate::Kind::Deadline) with what it gives instead.
    pub async fn await_figure(&self, expression: &str, figure: f64) -> Result<()> {
        Wait::that(format!("{expression} is {figure}"), APP_STATE)
            .until(async || match self.figure(expression).await {
                Ok(Some(now)) if (now - figure).abs() < f64::EPSILON => Probe::Ready(()),
                Ok(now) => Probe::NotYet(format!("it is {now:?}")),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// The one figure that an expression gives now; `None` where it gives none.
    ///
    /// # Errors
    /// The request's; [`Kind::Answer`](crate::Kind::Answer) with the status 400 where it is no expression.
    pub async fn figure(&self, expression: &str) -> Result<Option<f64>> {
        let answer = self.http.get("api/v1/query").query("query", expression).send().await?;
        let answer: Value = answer.json()?;
        let text = answer.pointer("/data/result/0/value/1").and_then(Value::as_str);
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// Its configuration, as JSON, which is YAML too.
fn configuration(marathon: &str) -> Value {
    json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
        "scrape_configs": [{
            "job_name": "marathon",
            "marathon_sd_configs": [{ "servers": [marathon], "refresh_interval": "1s" }],
            "relabel_configs": [{ "source_labels": ["__meta_marathon_app"], "target_label": "app" }],
        }],
    })
}
