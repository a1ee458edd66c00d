//! A web server beside a cluster, through testcontainers: under the cluster's lease, on its network.

use std::net::Ipv4Addr;

use bollard::query_parameters::InspectContainerOptions;
use flate2::Compression;
use flate2::write::GzEncoder;
use testcontainers::core::WaitFor;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use crate::await_until::{Probe, Wait};
use crate::client::Http;
use crate::error::Context;
use crate::image::ImageSpec;
use crate::{Cluster, Error, Kind, Result, deadlines, interrupt, labels};

/// Its image.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new("file-server")
}

/// A gzipped tar archive of `files` (path and content).
///
/// # Errors
/// [`Kind::Usage`] for a path that no archive can hold.
pub fn tar_gz(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, path, *content)
            .context(Kind::Usage, || format!("{path} cannot be put into an archive"))?;
    }
    let whole = archive.into_inner().and_then(GzEncoder::finish);
    whole.context(Kind::Internal, || "an archive in memory failed".to_owned())
}

/// A container beside a cluster: under its lease, on its network, of no node. It goes with this value.
#[derive(Debug)]
pub(crate) struct Companion {
    /// On the cluster's network.
    pub(crate) address: Ipv4Addr,
    _container: ContainerAsync<GenericImage>,
}

impl Companion {
    /// Starts `image` as `component`, with what `request` adds. Does not wait until it answers.
    ///
    /// # Errors
    /// [`Kind::Image`] or [`Kind::Environment`] where the container cannot be had.
    pub(crate) async fn start(
        cluster: &Cluster,
        image: &ImageSpec,
        component: &str,
        request: impl FnOnce(ContainerRequest<GenericImage>) -> ContainerRequest<GenericImage>,
    ) -> Result<Self> {
        let engine = cluster.engine();
        let reference = cluster.images().ensure(image).await?;
        let (name, tag) = reference.split_once(':').unwrap_or((&reference, "latest"));
        let mut labels = cluster.labels();
        labels.insert(labels::CLUSTER.to_owned(), cluster.name().to_owned());
        labels.insert(labels::COMPONENT.to_owned(), component.to_owned());
        let plain = GenericImage::new(name, tag)
            .with_wait_for(WaitFor::Nothing)
            .with_network(cluster.name())
            .with_labels(labels);
        let creating = interrupt::creating().await;
        let started = request(plain).start().await;
        drop(creating);
        let container = started.context(Kind::Environment, || format!("the {component} did not start"))?;
        let inspect = engine
            .docker()
            .inspect_container(container.id(), None::<InspectContainerOptions>);
        let ran = format!("docker inspect {}", container.id());
        let inspect = engine
            .request(&format!("inspect the {component}"), ran, inspect)
            .await?;
        let networks = inspect
            .network_settings
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        let address = networks
            .get(cluster.name())
            .and_then(|endpoint| endpoint.ip_address.as_ref()?.parse().ok())
            .ok_or_else(|| Error::internal(format!("the {component} has no address on the cluster's network")))?;
        Ok(Companion {
            address,
            _container: container,
        })
    }
}

/// A web server with files of the scenario's own, reachable from every node.
#[derive(Debug)]
pub struct FileServer {
    companion: Companion,
}

impl FileServer {
    /// Serves `files` (name and content) on the network of `cluster`, and waits until it answers.
    ///
    /// # Errors
    /// [`Kind::Image`] or [`Kind::Environment`] where the container cannot be had.
    pub async fn start(cluster: &Cluster, files: &[(&str, Vec<u8>)]) -> Result<Self> {
        let companion = Companion::start(cluster, &image(), "file-server", |request| {
            let request = request.with_cmd(["busybox", "httpd", "-f", "-p", "80", "-h", "/srv"]);
            files.iter().fold(request, |request, (file, content)| {
                request.with_copy_to(format!("/srv/{file}"), content.clone())
            })
        })
        .await?;
        let server = FileServer { companion };
        server.ready().await?;
        Ok(server)
    }

    /// The URL of the file `name`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.companion.address)
    }

    async fn ready(&self) -> Result<()> {
        let http = Http::new(&self.url(""))?;
        Wait::that("the file server answers", deadlines::HTTP_REQUEST)
            .blaming(Kind::Environment)
            .until(async || match http.get("/").send().await {
                Ok(_) => Probe::Ready(()),
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }
}
