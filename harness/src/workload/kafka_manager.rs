//! Kafka Manager, as the README adds it: an app of Marathon from its own descriptor.

use crate::docker::exec::ExecSpec;
use crate::error::Context;
use crate::image::ImageSpec;
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Cluster, Kind, Result, evidence, workspace};

/// Its image, and the id of its app.
const NAME: &str = "kafka-manager";
/// The README's descriptor, below the fixtures.
const DESCRIPTOR: &str = "apps/kafka-manager/marathon.json";

/// What its container runs.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new(NAME)
}

/// What every node with a Docker knows that image as: the name in the descriptor.
pub(crate) fn image_name() -> String {
    format!("mesos-harness/{NAME}")
}

/// Adds the app through the dcos CLI, waits until it is healthy, and gives the address of its pages, as in
/// `http://10.64.0.21:31003/`. The cluster needs Docker, Marathon, Mesos-DNS and Admin Router.
///
/// # Errors
/// [`Kind::Image`] where its image cannot be had; as the CLI ends; [`Kind::Deadline`] after
/// [`APP_STATE`](crate::deadlines::APP_STATE).
pub async fn add(cluster: &Cluster) -> Result<String> {
    let images = cluster.images();
    let image = images.ensure(&image()).await?;
    evidence::current().components(vec![ComponentRecord {
        name: NAME.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: Provenance::StandIn,
        artefact: "written here, with the pages, forms and records of Kafka Manager 1.3".to_owned(),
        sha256: String::new(),
        image,
    }]);
    let own = workspace::fixtures().join(DESCRIPTOR);
    let text = std::fs::read(&own).context(Kind::Usage, || format!("{} cannot be read", own.display()))?;
    let command = ExecSpec::new(["dcos", "marathon", "app", "add"]).stdin(text);
    cluster.toolbox().await?.run(command).await?.success()?;
    let app = cluster
        .marathon()
        .await_app(NAME, "Kafka Manager is healthy", |app| {
            app.tasks_healthy == 1 && app.tasks.iter().any(|task| !task.ports.is_empty())
        })
        .await?;
    let task = &app.tasks[0];
    Ok(format!("http://{}:{}/", task.host, task.ports[0]))
}
