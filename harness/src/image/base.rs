//! The Debian root file system that every image starts from: pulled, or bootstrapped on this host and imported.

use std::path::Path;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::process::Command;

use super::catalogue::{REPOSITORY, Resolved};
use super::containers::body;
use super::manifest::Bootstrap;
use super::{Images, cache, process};
use crate::await_until::Wait;
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, labels};

/// What the name of a bootstrapped root file system has after that of its image.
pub(super) const ROOT: &str = "-rootfs";
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
    /// The reference of a root file system for `image`, and whether it is to be removed after the build: it lives on
    /// as the parent of what was built, and alone it is of no use.
    pub(super) async fn root_file_system(&self, image: &Resolved, progress: &Progress) -> Result<(String, bool)> {
        let bootstrap = image.manifest.bootstrap.as_ref();
        let bootstrap =
            bootstrap.ok_or_else(|| Error::internal(format!("the image {} has no [bootstrap]", image.name)))?;
        if std::env::var(SOURCE).is_ok_and(|source| source == "bootstrap") {
            return Ok((self.import(bootstrap, image, progress).await?, true));
        }
        if self.inspect(&bootstrap.registry).await?.is_some() {
            return Ok((bootstrap.registry.clone(), false));
        }
        match self
            .pull(&bootstrap.registry, deadlines::BASE_BOOTSTRAP, progress)
            .await
        {
            Ok(()) => Ok((bootstrap.registry.clone(), true)),
            Err(error) => {
                tracing::debug!("{} is not pulled: {}", bootstrap.registry, error.explain());
                Ok((self.import(bootstrap, image, progress).await?, true))
            }
        }
    }

    async fn import(&self, bootstrap: &Bootstrap, image: &Resolved, progress: &Progress) -> Result<String> {
        let folder = tempfile::tempdir_in(cache::folder(&self.cache, "contexts")?)
            .context(Kind::Environment, || "a temporary folder cannot be made".to_owned())?;
        let archive = folder.path().join("rootfs.tar");
        make(bootstrap, folder.path(), &archive, progress).await?;

        let importing = || format!("the bootstrapped {} cannot be imported", bootstrap.suite);
        progress.stage(&format!("importing {}", bootstrap.suite));
        let file = std::fs::File::open(&archive).context(Kind::Image, importing)?;
        let repository = format!("{REPOSITORY}/{}{ROOT}", image.name);
        let label = |name: &str, value: &str| format!("LABEL {name}={value}");
        let changes = vec![
            label(labels::HARNESS, env!("CARGO_PKG_VERSION")),
            label(labels::IMAGE, &format!("{}{ROOT}", image.name)),
            label(labels::CREATED, &labels::now().to_string()),
            "CMD [\"bash\"]".to_owned(),
        ];
        let options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(&repository)
            .tag(&image.content)
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
            .blaming(Kind::Image)
            .for_future(import)
            .await?;
        Ok(format!("{repository}:{}", image.content))
    }
}

/// Bootstraps into `archive`, with what this host has for it.
async fn make(bootstrap: &Bootstrap, folder: &Path, archive: &Path, progress: &Progress) -> Result<()> {
    let able = has("mmdebstrap") || (has("debootstrap") && is_root());
    if !able {
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
