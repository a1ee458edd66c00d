//! Looking at an engine's images, and pulling the few that are not ours.

use std::collections::HashMap;

use bollard::errors::Error as Refusal;
use bollard::models::{ImageInspect, ImageSummary};
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::Images;
use crate::await_until::Wait;
use crate::deadlines::Deadline;
use crate::docker::engine;
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines};

impl Images {
    /// The reference of an image that is not made here, once it is there: present, else pulled.
    ///
    /// # Errors
    /// [`Kind::Image`] where it is neither present nor can be pulled.
    pub async fn ensure_reference(&self, reference: &str) -> Result<String> {
        if self.inspect(reference).await?.is_some() {
            return Ok(reference.to_owned());
        }
        let progress = Progress::start(reference);
        self.pull(reference, deadlines::IMAGE_BUILD, &progress).await?;
        progress.done("pulled");
        Ok(reference.to_owned())
    }

    pub(super) async fn inspect(&self, reference: &str) -> Result<Option<ImageInspect>> {
        let asked = || format!("the engine cannot say whether it has {reference}");
        let inspect = self.engine.docker().inspect_image(reference);
        let answer = tokio::time::timeout(deadlines::ENGINE_REQUEST.limit(), inspect)
            .await
            .context(Kind::Environment, asked)?;
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(Refusal::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) if engine::lacks_layers(&error.to_string()) => {
                Err(engine::incomplete(reference, error).ran(format!("docker image inspect {reference}")))
            }
            Err(error) => Err(Error::new(Kind::Environment, asked())
                .caused_by(error)
                .ran(format!("docker image inspect {reference}"))),
        }
    }

    pub(super) async fn summaries(&self, filters: &HashMap<&str, Vec<&str>>) -> Result<Vec<ImageSummary>> {
        let options = ListImagesOptionsBuilder::default().filters(filters).build();
        let list = self.engine.docker().list_images(Some(options));
        let asked = || "the engine cannot list its images".to_owned();
        tokio::time::timeout(deadlines::ENGINE_REQUEST.limit(), list)
            .await
            .context(Kind::Environment, asked)?
            .context(Kind::Environment, asked)
    }

    /// Gives an image one more name.
    pub(super) async fn alias(&self, reference: &str, alias: &str) -> Result<()> {
        let (repository, tag) = alias.rsplit_once(':').unwrap_or((alias, "latest"));
        let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        let tag = self.engine.docker().tag_image(reference, Some(options));
        let what = format!("name {reference} {alias}");
        let ran = format!("docker tag {reference} {alias}");
        self.engine.request(&what, ran, tag).await
    }

    /// Removes one reference or id, never by force. False where something still needs it.
    pub(super) async fn remove(&self, reference: &str) -> Result<bool> {
        let options = RemoveImageOptionsBuilder::default().build();
        let remove = self.engine.docker().remove_image(reference, Some(options), None);
        let what = format!("remove the image {reference}");
        let ran = format!("docker image rm {reference}");
        match self.engine.request(&what, ran, remove).await {
            Ok(_) => Ok(true),
            Err(error) => match engine::refusal(&error) {
                Some(404) => Ok(true),
                Some(409) => Ok(false),
                _ => Err(error.blaming(Kind::Cleanup)),
            },
        }
    }

    /// Pulls `reference`. A registry that says nothing soon is taken for absent.
    pub(super) async fn pull(&self, reference: &str, deadline: Deadline, progress: &Progress) -> Result<()> {
        progress.stage(&format!("pulling {reference}"));
        let options = CreateImageOptionsBuilder::default()
            .from_image(&tagged(reference))
            .build();
        let mut stream = self.engine.docker().create_image(Some(options), None, None);
        let refused = || format!("{reference} is not there, and no image registry serves it");
        let remedy = |error: Error| {
            error
                .ran(format!("docker pull {reference}"))
                .hint("name an image that this engine has (`docker images`), or one that it can pull")
        };
        let pull = async {
            let mut next = tokio::time::timeout(deadlines::REGISTRY_ANSWER.limit(), stream.next())
                .await
                .context(Kind::Image, refused)?;
            while let Some(info) = next {
                let info = info.context(Kind::Image, refused)?;
                if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
                    return Err(Error::new(Kind::Image, refused()).caused_by(message));
                }
                let parts = [info.id, info.status].map(Option::unwrap_or_default);
                progress.detail(&format!("pulling {reference}: {}", parts.join(" ")));
                next = stream.next().await;
            }
            Ok(())
        };
        Wait::that(format!("{reference} is pulled"), deadline)
            .blaming(Kind::Image)
            .for_future(pull)
            .await
            .map_err(remedy)
    }
}

/// The engine pulls every tag of a reference that has none.
fn tagged(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains([':', '@']) {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_reference_gets_a_tag() {
        assert_eq!(tagged("debian"), "debian:latest");
        assert_eq!(tagged("registry.test:5000/debian"), "registry.test:5000/debian:latest");
        assert_eq!(tagged("debian:bookworm"), "debian:bookworm");
        assert_eq!(tagged("debian@sha256:00"), "debian@sha256:00");
    }
}
