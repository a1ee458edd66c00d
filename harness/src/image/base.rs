//! The Debian root file system that every image starts from: pulled, or bootstrapped on this host and imported.

use std::path::Path;

use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt as _;
use tokio::process::Command;

use super::catalogue::{REPOSITORY, Resolved};
use super::containers::body;
use super::manifest::Bootstrap;
use super::progress::Progress;
use super::{Images, cache, process};
use crate::await_until::Wait;
use crate::error::Context;
use crate::{Error, Kind, Result, deadlines, labels};

/// Set to `bootstrap` to leave image registries unasked, as a machine without one would.
const SOURCE: &str = "HARNESS_BASE";
/// What no program of a cluster reads: half of the root file system's size.
const LEFT_OUT: [&str; 5] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*/LC_MESSAGES/*.mo",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
];

impl Images {
    /// The reference of a root file system for `image`. [`Images::remove_root_file_system`] takes it away again.
    pub(super) async fn root_file_system(&self, image: &Resolved, progress: &Progress) -> Result<String> {
        let bootstrap = image.manifest.bootstrap.as_ref();
        let bootstrap =
            bootstrap.ok_or_else(|| Error::internal(format!("the image {} has no [bootstrap]", image.name)))?;
        let ours = format!("{REPOSITORY}/{}-rootfs:{}", image.name, image.content);
        if std::env::var(SOURCE).is_ok_and(|source| source == "bootstrap") {
            self.import(bootstrap, image, &ours, progress).await?;
            return Ok(ours);
        }
        let present = self.inspect(&bootstrap.registry).await?.is_some();
        if present {
            self.alias(&bootstrap.registry, &ours).await?;
            return Ok(ours);
        }
        match self
            .pull(&bootstrap.registry, deadlines::BASE_BOOTSTRAP, progress)
            .await
        {
            Ok(()) => {
                self.alias(&bootstrap.registry, &ours).await?;
                // We pulled it, so it goes: as a parent of ours it stays without a name.
                self.remove(&bootstrap.registry).await?;
            }
            Err(error) => {
                tracing::debug!("{} is not pulled: {}", bootstrap.registry, error.explain());
                self.import(bootstrap, image, &ours, progress).await?;
            }
        }
        Ok(ours)
    }

    /// Takes the name away. The image itself goes with it where nothing was built on it.
    pub(super) async fn remove_root_file_system(&self, image: &Resolved, reference: &str) -> Result<()> {
        if image.base.is_none() && !self.remove(reference).await? {
            tracing::warn!("{reference} is in use and stays");
        }
        Ok(())
    }

    async fn alias(&self, reference: &str, alias: &str) -> Result<()> {
        let (repository, tag) = alias.rsplit_once(':').unwrap_or((alias, "latest"));
        let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
        let tagged = self.engine.docker().tag_image(reference, Some(options)).await;
        tagged.context(Kind::Environment, || format!("{reference} cannot be named {alias}"))
    }

    async fn import(
        &self,
        bootstrap: &Bootstrap,
        image: &Resolved,
        reference: &str,
        progress: &Progress,
    ) -> Result<()> {
        let folder = tempfile::tempdir_in(cache::folder(&self.cache, "contexts")?)
            .context(Kind::Environment, || "a temporary folder cannot be made".to_owned())?;
        let archive = folder.path().join("rootfs.tar");
        make(bootstrap, folder.path(), &archive, progress).await?;

        let importing = || format!("the bootstrapped {} cannot be imported", bootstrap.suite);
        progress.stage(&format!("importing {}", bootstrap.suite));
        let file = std::fs::File::open(&archive).context(Kind::Image, importing)?;
        let (repository, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
        let label = |name: &str, value: &str| format!("LABEL {name}={value}");
        let changes = vec![
            label(labels::HARNESS, env!("CARGO_PKG_VERSION")),
            label(labels::IMAGE, &format!("{}-rootfs", image.name)),
            label(labels::CREATED, &labels::now().to_string()),
            "CMD [\"bash\"]".to_owned(),
        ];
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .changes(changes)
            .build();
        let body = bollard::body_try_stream(body(file, |_| {}));
        let mut stream = self.engine.docker().create_image(Some(options), Some(body), None);
        let import = async {
            while let Some(info) = stream.next().await {
                let info = info.context(Kind::Image, importing)?;
                if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
                    return Err(Error::new(Kind::Image, importing()).caused_by(message));
                }
            }
            Ok(())
        };
        Wait::that("the root file system is imported", deadlines::BASE_BOOTSTRAP)
            .for_future(import)
            .await
    }
}

/// Bootstraps into `archive`, with what this host has for it.
async fn make(bootstrap: &Bootstrap, folder: &Path, archive: &Path, progress: &Progress) -> Result<()> {
    if !has("mmdebstrap") && !(has("debootstrap") && is_root()) {
        install(bootstrap, progress).await?;
    }
    let what = format!("bootstrapping {}", bootstrap.suite);
    if has("mmdebstrap") {
        let mut command = Command::new("mmdebstrap");
        command.args(["--variant=minbase", "--include=ca-certificates"]);
        command.args(LEFT_OUT.map(|option| format!("--dpkgopt={option}")));
        command.arg(&bootstrap.suite).arg(archive).env("TMPDIR", folder);
        process::run(command, &what, progress, deadlines::BASE_BOOTSTRAP).await?;
        return Ok(());
    }
    let root = folder.join("root");
    let mut command = Command::new("debootstrap");
    command.args(["--variant=minbase", "--include=ca-certificates", &bootstrap.suite]);
    command.arg(&root);
    process::run(command, &what, progress, deadlines::BASE_BOOTSTRAP).await?;
    let mut command = Command::new("tar");
    command.args(["--numeric-owner", "--directory"]).arg(&root);
    command
        .args(["--exclude=./dev/*", "--create", "--file"])
        .arg(archive)
        .arg(".");
    process::run(
        command,
        "packing the root file system",
        progress,
        deadlines::BASE_BOOTSTRAP,
    )
    .await?;
    Ok(())
}

/// Installs mmdebstrap where that is ours to do: as root on Debian or Ubuntu.
async fn install(bootstrap: &Bootstrap, progress: &Progress) -> Result<()> {
    if !(is_root() && has("apt-get") && Path::new("/etc/debian_version").exists()) {
        return Err(Error::new(
            Kind::Environment,
            format!(
                "no image registry serves {}, and nothing here bootstraps Debian",
                bootstrap.registry
            ),
        )
        .expected("mmdebstrap on the path, or debootstrap for root")
        .hint("install the package mmdebstrap, or load an archive of images: `harness images load FILE`"));
    }
    // The keyring is what Ubuntu lacks to check Debian's signatures.
    let packages = ["mmdebstrap", "debian-archive-keyring"];
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-qq", "-y"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let what = "installing mmdebstrap";
    process::run(apt(&["update"]), what, progress, deadlines::BASE_BOOTSTRAP).await?;
    let mut command = apt(&["install", "--no-install-recommends"]);
    command.args(packages);
    process::run(command, what, progress, deadlines::BASE_BOOTSTRAP).await?;
    Ok(())
}

fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

/// True where `program` is on the path.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps debootstrap where only root's path leads.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.into_iter().any(|folder| folder.join(program).is_file())
}
