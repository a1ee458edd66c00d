//! Where a component comes from: never blurred, printed by `up` and in every report.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::image::Images;

/// Whose program a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Provenance {
    /// An artefact that its own project published.
    #[serde(rename = "upstream")]
    Upstream,
    /// Upstream's library, started by a small program of ours.
    #[serde(rename = "upstream library, own launcher")]
    UpstreamLibrary,
    /// Our own program with the same interface.
    #[serde(rename = "stand-in")]
    StandIn,
    /// An image that the user named: whose programs are in it is the user's to say.
    #[serde(rename = "user image")]
    UserImage,
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Provenance::Upstream => "upstream",
            Provenance::UpstreamLibrary => "upstream library, own launcher",
            Provenance::StandIn => "stand-in",
            Provenance::UserImage => "user image",
        })
    }
}

/// One component of a cluster, as reports name it (`subject.components[]` of report.json).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentRecord {
    /// As in `mesos-agent`.
    pub name: String,
    /// Upstream's version, or the suite's for a stand-in.
    pub version: String,
    /// Whose program it is.
    pub provenance: Provenance,
    /// The file it came in, as in `mesos.scheduler-1.11.0-py2.7-linux-x86_64.egg`; what of it is ours, after a semicolon.
    pub artefact: String,
    /// Of the artefact, in lower-case hex; empty only for a stand-in built here.
    pub sha256: String,
    /// The image reference it runs from.
    pub image: String,
}

impl ComponentRecord {
    /// A component that is a Debian package of `image`, as Debian built it.
    pub(crate) async fn of_debian(images: &Images, image: String, name: &str, package: &str) -> Result<Self> {
        let package = images.debian_package(&image, package).await?;
        Ok(ComponentRecord {
            name: name.to_owned(),
            artefact: format!("Debian package {} {}", package.name, package.version),
            version: package.version,
            provenance: Provenance::Upstream,
            sha256: package.sha256,
            image,
        })
    }
}
