//! What runs on a cluster: services that packages install, and the typed clients of their schedulers.

pub mod kafka;
pub mod kafka_manager;
pub mod spark;

pub use kafka::Kafka;
pub use spark::Spark;

use crate::Result;
use crate::image::Images;
use crate::package::artefacts::PackagedImage;
use crate::provenance::ComponentRecord;

/// What the image of a package holds, for reports. Nothing is said of one that is not made here.
///
/// # Errors
/// As [`Images::reference`] and [`Images::artefact`].
pub(crate) fn records(images: &Images, image: &PackagedImage) -> Result<Vec<ComponentRecord>> {
    match image.folder.as_str() {
        spark::FOLDER => spark::records(images, image),
        spark::release::FOLDER => spark::release::records(images, image),
        _ => Ok(Vec::new()),
    }
}
