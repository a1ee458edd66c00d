//! Fetching artefacts: by the ordinary package client, in a container, into the cache.

use super::artefact::Artefact;
use super::{ImageSpec, Images, lock};
use crate::await_until::Wait;
use crate::progress::Progress;
use crate::{Kind, Result, deadlines};

impl Images {
    /// Has the artefact in the cache, verified now.
    pub(super) async fn fetch(&self, artefact: &Artefact) -> Result<std::path::PathBuf> {
        let path = artefact.path(&self.cache);
        if path.exists() {
            artefact.verify(&path)?;
            return Ok(path);
        }
        let image = self.ensure(&ImageSpec::new(artefact.client.image())).await?;
        let progress = Progress::start(&artefact.name);
        let name = format!("artefact-{}", &artefact.sha256[..16]);
        let held = lock::take(&self.cache, &name, &progress, deadlines::IMAGE_LOCK).await?;
        if path.exists() {
            artefact.verify(&path)?;
            return Ok(path);
        }
        let client = artefact.client.name();
        let what = format!("fetching {} with {client}", artefact.file);
        progress.stage(&what);
        let command = ["fetch-artefact", client, &artefact.request, &artefact.file].map(str::to_owned);
        let pasteable = format!("docker run --rm {image} {}", command.join(" "));
        let fetch = self.with_container(&image, "fetch", command.to_vec(), async |id| {
            // The bound is within: what it breaks off, the container, is removed behind it.
            Wait::that(format!("{what} ends"), deadlines::ARTEFACT_FETCH)
                .blaming(Kind::Image)
                .for_future(self.run_container(id, &what, &progress))
                .await?;
            self.copy_out(id, &format!("/artefact/{}", artefact.file)).await
        });
        let fetched = fetch.await.map_err(|error| {
            error.ran(pasteable).hint(
                "the package index must be reachable from a container; PIP_INDEX_URL and https_proxy are passed on",
            )
        })?;
        let path = artefact.keep(fetched, &self.cache)?;
        progress.done(&format!("fetched {}, sha256 as pinned,", artefact.file));
        drop(held);
        Ok(path)
    }
}
