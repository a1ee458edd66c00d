//! The Universe: where a cluster's clients get packages from, and its nodes and clients what packages download. It answers
//! under every host name that packages use, so it stands in for GitHub, S3, CloudFront and the like.

use super::Recipe;
use super::service::Surroundings;
use crate::await_until::Probe;
use crate::docker::{ContainerSpec, Content};
use crate::image::Images;
use crate::node::{Node, NodeName};
use crate::package::universe::place;
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Result, deadlines};

/// As it stands in the stack file and the component label.
pub const NAME: &str = "universe";
/// Where it serves HTTP: the port that a URL has by itself.
pub const PORT: u16 = 80;
/// Where a user's own image finds what it is to serve: `<host name>/<path>`.
pub const ROOT: &str = "/srv";

/// The server on `node`, with what the cluster's description has for it.
pub(crate) async fn container(recipe: &Recipe<'_>, node: NodeName, around: &Surroundings<'_>) -> Result<ContainerSpec> {
    let image = recipe.image(NAME).await?;
    let container = recipe.joining(node, NAME, &image);
    let files = around.universe.files();
    let mut container = files.fold(container, |container, (host, path, content)| {
        container.file(format!("{ROOT}/{host}{path}"), content.clone())
    });
    // What is in the server's own image lies where it is served.
    for image in around.images.iter().filter(|image| image.folder != NAME) {
        for (url, path) in &image.served {
            let (host, served) = place(url)?;
            let file = recipe.images.export(&image.spec(), path).await?;
            container = container.file(format!("{ROOT}/{host}{served}"), Content::File(file));
        }
    }
    recipe.settings(NAME, container)
}

/// Waits until the one on `node` answers, whatever it says.
pub(crate) async fn ready(node: &Node) -> Result<()> {
    let http = node.http(PORT);
    node.starting(NAME, "the Universe", "answers", deadlines::UNIVERSE_READY)
        .until(async || match http.get("/").send().await {
            Ok(_) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        })
        .await
}

/// The nginx is Debian's; what it serves is ours or the user's.
pub(crate) async fn record(images: &Images, version: &str) -> Result<ComponentRecord> {
    let image = images.ensure(&super::own_image(NAME, version)).await?;
    let nginx = images.debian_package(&image, "nginx-light").await?;
    Ok(ComponentRecord {
        name: NAME.to_owned(),
        version: version.to_owned(),
        provenance: Provenance::StandIn,
        artefact: format!(
            "packages of format {version} and what they download, served by the Debian package {} {}",
            nginx.name, nginx.version
        ),
        sha256: nginx.sha256,
        image,
    })
}
