//! The components: each is an image, a configuration, a readiness rule and a typed client; one file each.

pub mod admin_router;
pub mod haproxy;
pub mod holder;
pub mod marathon;
pub mod mesos_agent;
pub mod mesos_dns;
pub mod mesos_master;
pub mod node_docker;
pub(crate) mod packet_filter;
pub mod service;
pub mod shell;
pub(crate) mod task_cgroups;
pub mod universe;
pub mod zookeeper;

use crate::docker::{ContainerSpec, Engine, Place};
use crate::image::{ImageSpec, Images};
use crate::labels::{self, Labels};
use crate::node::NodeName;
use crate::provenance::{ComponentRecord, Provenance};
use crate::stack::{ComponentSpec, FileSource, Source, Stack};
use crate::{Error, Kind, Result, error::Context};

pub use service::Service;

/// What every component of a cluster is made from.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// The cluster's name: the first part of every container's name.
    pub cluster: &'a str,
    /// The labels of the cluster's lease.
    pub labels: &'a Labels,
    /// Which image and settings each component has.
    pub stack: &'a Stack,
    /// Where images come from.
    pub images: &'a Images,
}

/// A container's full name on the engine.
#[must_use]
pub fn container_name(cluster: &str, node: NodeName, component: &str) -> String {
    format!("{cluster}-{node}-{component}")
}

impl Recipe<'_> {
    /// The labels of one component.
    #[must_use]
    pub fn labels_of(&self, node: NodeName, component: &str) -> Labels {
        let mut labels = self.labels.clone();
        labels.insert(labels::CLUSTER.to_owned(), self.cluster.to_owned());
        labels.insert(labels::NODE.to_owned(), node.to_string());
        labels.insert(labels::COMPONENT.to_owned(), component.to_owned());
        labels
    }

    /// A container of `component`, inside the namespaces of its node's holder, without any setting.
    pub(crate) fn joining(&self, node: NodeName, component: &str, image: &str) -> ContainerSpec {
        let holder = container_name(self.cluster, node, holder::NAME);
        ContainerSpec::new(
            container_name(self.cluster, node, component),
            image,
            self.labels_of(node, component),
        )
        .place(Place::Joins(holder))
    }

    /// What the stack adds to a component: variables, arguments, files, another program.
    pub(crate) fn settings(&self, component: &str, mut container: ContainerSpec) -> Result<ContainerSpec> {
        let spec = self.stack.component(component)?;
        for (name, value) in &spec.env {
            container = container.env(name, value);
        }
        for (path, source) in &spec.files {
            container = container.file(path, content(source)?);
        }
        if let Some(program) = &spec.cmd {
            container = container.entrypoint(program.clone());
        }
        if !spec.args.is_empty() {
            container = container.command(spec.args.clone());
        }
        Ok(container)
    }

    /// The image that `component` runs from: present, pulled or built.
    pub(crate) async fn image(&self, component: &str) -> Result<String> {
        let source = &self.stack.component(component)?.source;
        match (image_of(component, source), source) {
            (Some(spec), _) => self.images.ensure(&spec).await,
            (None, Source::Image(reference)) => self.images.ensure_reference(reference).await,
            (None, other) => Err(Error::internal(format!("{other:?} of {component} is no image"))),
        }
    }
}

fn content(source: &FileSource) -> Result<Vec<u8>> {
    match source {
        FileSource::Content(text) => Ok(text.clone().into_bytes()),
        FileSource::Path(path) => std::fs::read(path).context(Kind::Usage, || {
            format!("the file {} named by the stack cannot be read", path.display())
        }),
    }
}

/// The image folder and arguments that hold `version` of `component`.
#[must_use]
pub fn own_image(component: &str, version: &str) -> ImageSpec {
    match component {
        mesos_master::NAME | mesos_agent::NAME => ImageSpec::new("mesos").arg("MESOS_VERSION", version),
        other => ImageSpec::new(other),
    }
}

/// What `source` has built here; `None` where it is an image that is there already.
fn image_of(component: &str, source: &Source) -> Option<ImageSpec> {
    match source {
        Source::Version(version) => Some(own_image(component, version)),
        Source::Build { folder, version } => Some(own_image(component, version).with_over(folder)),
        Source::Ours(image) => Some(ImageSpec::clone(image)),
        Source::Image(_) => None,
    }
}

/// Every image that a cluster of `stack` is made of, for those who prepare them ahead.
#[must_use]
pub fn images_of(stack: &Stack) -> Vec<ImageSpec> {
    let mut specs = vec![holder::image(), shell::image()];
    for (name, component) in stack.components() {
        let spec = image_of(name, &component.source);
        specs.extend(spec.filter(|spec| !specs.contains(spec)));
    }
    specs
}

/// What a component of `stack` is, for the report: itself, and what of ours comes with it.
///
/// # Errors
/// As the engine and the images answer.
pub async fn records(engine: &Engine, images: &Images, stack: &Stack, name: &str) -> Result<Vec<ComponentRecord>> {
    let spec = stack.component(name)?;
    Ok(match &spec.source {
        Source::Image(reference) => {
            let artefact = format!("the image {reference}, named by the stack");
            vec![record_of_image(engine, name, reference, artefact).await?]
        }
        Source::Build { folder, version } => {
            let reference = images.reference(&own_image(name, version).with_over(folder))?;
            let artefact = format!("built from {} over {version}", folder.display());
            vec![record_of_image(engine, name, &reference, artefact).await?]
        }
        Source::Ours(image) => {
            let artefact = "another image of ours, with this component in it".to_owned();
            vec![record_of_image(engine, name, &images.reference(image)?, artefact).await?]
        }
        Source::Version(version) => match name {
            zookeeper::NAME => vec![zookeeper::record(images, spec, version).await?],
            mesos_master::NAME => vec![mesos_master::record(images, name, version)?],
            mesos_agent::NAME => mesos_agent::records(images, version)?,
            other => match Service::named(other) {
                Some(service) => service.records(images, spec, version).await?,
                None => unreachable!("{other} passed the check of the stack file but has no record"),
            },
        },
    })
}

/// A program of ours with the interface of `title`, of which no registry has a build.
fn record_of_stand_in(images: &Images, name: &str, title: &str, version: &str) -> Result<ComponentRecord> {
    Ok(ComponentRecord {
        name: name.to_owned(),
        version: version.to_owned(),
        provenance: Provenance::StandIn,
        artefact: format!("the interface of {title} {version}, built here"),
        sha256: String::new(),
        image: images.reference(&own_image(name, version))?,
    })
}

/// A user's own image: all that is known is which image it is.
async fn record_of_image(engine: &Engine, name: &str, reference: &str, artefact: String) -> Result<ComponentRecord> {
    let inspect = engine.docker().inspect_image(reference);
    let image = engine
        .request(
            &format!("inspect the image {reference}"),
            format!("docker inspect {reference}"),
            inspect,
        )
        .await?;
    let id = image.id.unwrap_or_default();
    Ok(ComponentRecord {
        name: name.to_owned(),
        version: "as in the image".to_owned(),
        provenance: Provenance::UserImage,
        artefact,
        sha256: id.trim_start_matches("sha256:").to_owned(),
        image: reference.to_owned(),
    })
}

/// True where the component runs from an image of ours, or from one built over it, so that what is known of ours holds.
pub(crate) fn is_ours(spec: &ComponentSpec) -> bool {
    matches!(spec.source, Source::Version(_) | Source::Build { .. } | Source::Ours(_))
}
