//! Clients of Marathon that nobody here wrote, for scenarios: what they make of a Marathon says something about it.
//!
//! They are as their projects published them. In the image `marathon-clients` they are called
//!
//! * `python-marathon`: the Python that has the package `marathon` (PyPI);
//! * `shpkpr` and `marathon-deploy` (PyPI);
//! * `java-marathon`: calls of `marathon-client` (Maven Central), one for each verb of a small program of ours;
//! * `prometheus` (Debian): see [`Prometheus`](super::Prometheus).

use super::{Kit, Person, Toolbox};
use crate::cluster::Cluster;
use crate::image::{ImageSpec, Images};
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Result, evidence};

/// As it stands in the component label.
pub const NAME: &str = "marathon-clients";
/// What they take beside a cluster, in megabytes: for
/// [`ClusterBuilder::beside`](crate::cluster::ClusterBuilder::beside).
pub const MEGABYTES: u64 = 300;

/// What of those in Python is ours.
const OF_PYTHON: &str = "a sitecustomize for Python 3.11";
/// The name in records, the version, the file, as the lock of artefacts names it, and what of it is ours.
const PINNED: [(&str, &str, &str, &str); 4] = [
    ("marathon (Python client)", "0.13.0", "marathon-0.13.0", OF_PYTHON),
    ("shpkpr", "4.1.2", "shpkpr-4.1.2", OF_PYTHON),
    ("marathon-deploy", "3.0.2", "marathon-deploy-3.0.2", OF_PYTHON),
    (
        "marathon-client (Java)",
        "0.6.3",
        "marathon-client-0.6.3",
        "the program that calls it",
    ),
];

/// Their image.
#[must_use]
pub fn image() -> ImageSpec {
    ImageSpec::new(NAME)
}

impl Cluster {
    /// The clients beside this cluster, with what else a [`Toolbox`] has. The container is made on the first call, and
    /// the report names what is in it.
    ///
    /// # Errors
    /// As [`Cluster::toolbox_of`].
    pub async fn marathon_clients(&self) -> Result<Toolbox> {
        let kit = Kit {
            name: NAME,
            image: image(),
        };
        let toolbox = self.toolbox_with(&kit, &Person::nobody_in_particular()).await?;
        evidence::current().components(records(self.images())?);
        Ok(toolbox)
    }
}

/// What each of them is, for reports.
///
/// # Errors
/// [`Kind::Usage`](crate::Kind::Usage) where the lock of artefacts does not have one.
pub fn records(images: &Images) -> Result<Vec<ComponentRecord>> {
    let image = images.reference(&image())?;
    let record = |(name, version, pinned, ours): (&str, &str, &str, &str)| {
        let artefact = images.artefact(pinned)?;
        Ok(ComponentRecord {
            name: name.to_owned(),
            version: version.to_owned(),
            provenance: Provenance::Upstream,
            artefact: format!("{}; ours: {ours}", artefact.file),
            sha256: artefact.sha256.clone(),
            image: image.clone(),
        })
    };
    PINNED.into_iter().map(record).collect()
}
