//! Fetching artefacts: by the ordinary package client, in a container, into the cache.

use std::path::PathBuf;

use super::artefact::{Artefact, Client};
use super::{ImageSpec, Images, lock};
use crate::await_until::Wait;
use crate::progress::Progress;
use crate::{Kind, Result, deadlines};

/// As many as fit well into one command line, and into [`deadlines::ARTEFACT_FETCH`].
const AT_ONCE: usize = 50;

impl Images {
    /// Has the artefact in the cache, verified now.
    pub(super) async fn fetch(&self, artefact: &Artefact) -> Result<PathBuf> {
        self.fetch_all(std::slice::from_ref(artefact)).await?;
        Ok(artefact.path(&self.cache))
    }

    /// Has all of them in the cache, verified now. Those of one client come together: to start it takes longer than
    /// what it does for one file.
    pub(super) async fn fetch_all(&self, artefacts: &[Artefact]) -> Result<()> {
        for client in [Client::Pip, Client::Setuptools, Client::Maven] {
            let of_client = || artefacts.iter().filter(|artefact| artefact.client == client);
            if self.missing(of_client())?.is_empty() {
                continue;
            }
            let image = self.ensure(&ImageSpec::new(client.image())).await?;
            let progress = Progress::start(client.name());
            let name = format!("artefacts-{}", client.name());
            let held = lock::take(&self.cache, &name, &progress, deadlines::IMAGE_LOCK).await?;
            // Whoever held the lock may have fetched some of them.
            for some in self.missing(of_client())?.chunks(AT_ONCE) {
                self.fetch_with(&image, client, some, &progress).await?;
            }
            drop(held);
        }
        Ok(())
    }

    /// Those that are not in the cache. What is there is verified.
    fn missing<'a>(&self, artefacts: impl Iterator<Item = &'a Artefact>) -> Result<Vec<&'a Artefact>> {
        let mut missing = Vec::new();
        for artefact in artefacts {
            let path = artefact.path(&self.cache);
            match path.exists() {
                true => artefact.verify(&path)?,
                false => missing.push(artefact),
            }
        }
        Ok(missing)
    }

    async fn fetch_with(
        &self,
        image: &str,
        client: Client,
        artefacts: &[&Artefact],
        progress: &Progress,
    ) -> Result<()> {
        let client = client.name();
        let what = match artefacts {
            [only] => format!("fetching {} with {client}", only.file),
            several => format!("fetching {} artefacts with {client}", several.len()),
        };
        progress.stage(&what);
        let mut command = vec!["fetch-artefact".to_owned(), client.to_owned()];
        for artefact in artefacts {
            command.extend([artefact.request.clone(), artefact.file.clone()]);
        }
        let pasteable = format!("docker run --rm {image} {}", command.join(" "));
        let fetch = self.with_container(image, "fetch", command, async |id| {
            // The bound is within: what it breaks off, the container, is removed behind it.
            Wait::that(format!("{what} ends"), deadlines::ARTEFACT_FETCH)
                .blaming(Kind::Image)
                .for_future(self.run_container(id, &what, progress))
                .await?;
            for artefact in artefacts {
                let fetched = self.copy_out(id, &format!("/artefact/{}", artefact.file)).await?;
                artefact.keep(fetched, &self.cache)?;
                progress.detail(&artefact.file);
            }
            progress.line("each has the sha256 that is pinned");
            Ok(())
        });
        fetch.await.map_err(|error| {
            error.ran(pasteable).hint(
                "the package index must be reachable from a container; PIP_INDEX_URL and https_proxy are passed on",
            )
        })
    }
}
