//! Containers that only help to make or read images: labelled, and removed whatever happens in them.

use std::collections::HashMap;
use std::io::Seek;

use bollard::errors::Error as Refusal;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::Images;
use super::process::Tail;
use crate::await_until::Wait;
use crate::error::Context;
use crate::lease::Lease;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, interrupt, labels};

/// The proxy variables that package clients follow, in both spellings in use.
pub(super) const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// The proxy settings of this process, for build containers.
pub(super) fn proxies() -> HashMap<String, String> {
    let set = PROXIES.iter().filter_map(|name| {
        std::env::var(name)
            .ok()
            .filter(|value| !value.is_empty())
            .map(|value| ((*name).to_owned(), value))
    });
    set.collect()
}

/// The engine's network for build containers, where its default one does not lead out (`dockerd --bridge=none`).
pub(super) fn network() -> Option<String> {
    std::env::var("HARNESS_BUILD_NETWORK")
        .ok()
        .filter(|name| !name.is_empty())
}

impl Images {
    /// Creates a container of `image`, hands its id to `work`, and removes it. A lease owns it: it goes as well where
    /// this process is killed, or `work` is broken off.
    pub(super) async fn with_container<T>(
        &self,
        image: &str,
        purpose: &str,
        command: Vec<String>,
        work: impl AsyncFnOnce(&str) -> Result<T>,
    ) -> Result<T> {
        let docker = self.engine.docker();
        let lease = Lease::take(&self.engine, "images", false).await?;
        let mut labels = lease.labels().clone();
        labels.insert(labels::COMPONENT.to_owned(), purpose.to_owned());
        let ran = format!("docker create {image} {}", command.join(" "));
        let mut environment = proxies();
        // Whoever has a package index of their own says so to pip with this.
        environment.extend(std::env::var("PIP_INDEX_URL").map(|value| ("PIP_INDEX_URL".to_owned(), value)));
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(command),
            env: Some(
                environment
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect(),
            ),
            labels: Some(labels),
            host_config: Some(HostConfig {
                init: Some(true),
                network_mode: network(),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let create = docker.create_container(None::<CreateContainerOptions>, body);
        let what = format!("create a container of {image}");
        let creating = interrupt::creating().await;
        let id = self.engine.request(&what, ran, create).await?.id;
        drop(creating);
        let done = work(&id).await;
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        let remove = docker.remove_container(&id, Some(options));
        let what = format!("remove the container {id} of {image}");
        let removed = self.engine.request(&what, format!("docker rm -fv {id}"), remove).await;
        let value = done?;
        removed.map_err(|error| error.blaming(Kind::Cleanup))?;
        Ok(value)
    }

    /// Runs a container to its end. Its last lines are the evidence where it fails.
    pub(super) async fn run_container(&self, id: &str, what: &str, progress: &Progress) -> Result<()> {
        let docker = self.engine.docker();
        docker
            .start_container(id, None::<StartContainerOptions>)
            .await
            .context(Kind::Environment, || format!("{what}: the container does not start"))?;
        let options = LogsOptionsBuilder::default()
            .follow(true)
            .stdout(true)
            .stderr(true)
            .build();
        let mut logs = docker.logs(id, Some(options));
        let mut tail = Tail::default();
        while let Some(output) = logs.next().await {
            let output = output.context(Kind::Environment, || format!("{what}: its log breaks off"))?;
            for line in output.to_string().lines() {
                progress.detail(line);
                tail.push(line);
            }
        }
        let ended = docker
            .wait_container(id, None::<WaitContainerOptions>)
            .try_collect::<Vec<_>>()
            .await;
        match ended {
            Ok(_) => Ok(()),
            Err(Refusal::DockerContainerWaitError { code, .. }) => {
                Err(Error::new(Kind::Image, format!("{what} failed with exit code {code}")).evidence(tail.text()))
            }
            Err(error) => Err(Error::new(Kind::Environment, format!("{what}: its end is unknown")).caused_by(error)),
        }
    }

    /// Copies one file out of a container, running or not, into an unnamed temporary file.
    pub(super) async fn copy_out(&self, id: &str, path: &str) -> Result<std::fs::File> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let archive = self.engine.docker().download_from_container(id, Some(options));
        let archive = Wait::that(format!("{path} is read"), deadlines::ARTEFACT_FETCH)
            .blaming(Kind::Image)
            .for_future(spool(archive, |_| {}))
            .await?;
        let unpacking = || format!("{path} cannot be copied out of the container");
        let unpack = move || -> std::io::Result<std::fs::File> {
            let mut archive = tar::Archive::new(archive);
            let mut entry = archive.entries()?.next().ok_or(std::io::ErrorKind::UnexpectedEof)??;
            let mut file = tempfile::tempfile()?;
            std::io::copy(&mut entry, &mut file)?;
            file.rewind()?;
            Ok(file)
        };
        let unpacked = tokio::task::spawn_blocking(unpack).await;
        unpacked
            .context(Kind::Internal, unpacking)?
            .context(Kind::Image, unpacking)
    }
}

/// Writes a stream of the engine into an unnamed temporary file, and tells how far it is.
pub(super) async fn spool(
    mut stream: impl Stream<Item = Result<bytes::Bytes, Refusal>> + Unpin,
    mut at: impl FnMut(u64),
) -> Result<std::fs::File> {
    let writing = || "a temporary file cannot be written".to_owned();
    let file = tempfile::tempfile().context(Kind::Environment, writing)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut size = 0;
    while let Some(block) = stream.next().await {
        let block = block.context(Kind::Environment, || "the engine broke off a download".to_owned())?;
        file.write_all(&block).await.context(Kind::Environment, writing)?;
        size += block.len() as u64;
        at(size);
    }
    file.flush().await.context(Kind::Environment, writing)?;
    let mut file = file.into_std().await;
    file.rewind().context(Kind::Environment, writing)?;
    Ok(file)
}

/// A file as the body of a request, without holding it in memory.
pub(super) fn body(
    file: std::fs::File,
    at: impl FnMut(u64) + Send + 'static,
) -> impl Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static {
    const BLOCK: usize = 256 * 1024;
    let start = (tokio::fs::File::from_std(file), 0, at);
    futures_util::stream::try_unfold(start, async |(mut file, mut size, mut at)| {
        let mut block = bytes::BytesMut::with_capacity(BLOCK);
        let read = tokio::io::AsyncReadExt::read_buf(&mut file, &mut block).await?;
        size += read as u64;
        at(size);
        Ok((read > 0).then(|| (block.freeze(), (file, size, at))))
    })
}
