//! Compiling the services of an image on the host, so that they run in it.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::catalogue::Resolved;
use super::sources::Output;
use super::{Images, cache, lock, process};
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines};

/// Set to `1` to compile against the image's C library even where the host's would do.
const FORCE: &str = "HARNESS_ZIGBUILD";
/// The target that images have.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The artefacts that compile against an older C library than the host's.
const TOOLS: [&str; 2] = ["cargo-zigbuild", "ziglang"];

impl Images {
    /// The programs of an image's services, by service; of a service that is a library, that.
    pub(super) async fn compile(&self, image: &Resolved, progress: &Progress) -> Result<Vec<(String, PathBuf)>> {
        let services = &image.manifest.services;
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let mut compiled = Vec::new();
        for output in [Output::Program, Output::Library] {
            let mut of_kind = Vec::new();
            for service in services {
                if Output::of(&self.catalogue.service(service))? == output {
                    of_kind.push(service.as_str());
                }
            }
            if !of_kind.is_empty() {
                compiled.extend(self.compile_all(image, output, &of_kind, progress).await?);
            }
        }
        Ok(compiled)
    }

    /// Services of one kind, in one run of cargo.
    async fn compile_all(
        &self,
        image: &Resolved,
        output: Output,
        services: &[&str],
        progress: &Progress,
    ) -> Result<Vec<(String, PathBuf)>> {
        let wanted = glibc_of(image)?;
        let mut command = if fits(host_glibc().await.as_deref(), wanted) {
            let mut command = Command::new(cargo());
            command.arg("build");
            command
        } else {
            self.zigbuild(wanted, progress).await?
        };
        command
            .args([
                "--locked",
                "--profile",
                output.profile(),
                "--message-format",
                "json-render-diagnostics",
            ])
            .current_dir(self.catalogue.workspace_root());
        for service in services {
            command.args(["--package", service]);
        }
        let what = format!("compiling {}", services.join(", "));
        let messages = process::run(command, &what, progress, deadlines::IMAGE_BUILD).await?;
        let made = |service: &&str| {
            let made = match output {
                Output::Program => executable(&messages, service),
                Output::Library => library(&messages, service),
            };
            made.map(|path| ((*service).to_owned(), path)).ok_or_else(|| {
                Error::usage(format!("the service {service} compiles to no program")).expected(format!(
                    "a binary target named {service}, or a cdylib, in fixtures/services/{service}"
                ))
            })
        };
        services.iter().map(made).collect()
    }

    /// `cargo zigbuild` for the C library `glibc`, out of pinned wheels.
    async fn zigbuild(&self, glibc: &str, progress: &Progress) -> Result<Command> {
        let mut wheels = Vec::new();
        for tool in TOOLS {
            wheels.push(Box::pin(self.fetch(self.artefact(tool)?)).await?);
        }
        let folder = cache::folder(&self.cache, "tools")?;
        let tools = folder.join(format!("zigbuild-{}", self.artefact(TOOLS[0])?.version));
        let _lock = lock::take(&self.cache, "zigbuild", progress, deadlines::IMAGE_LOCK).await?;
        if !tools.exists() {
            let scratch = tempfile::tempdir_in(&folder).context(Kind::Environment, || {
                format!("{} cannot be written to", folder.display())
            })?;
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"])
                .arg(scratch.path())
                .args(&wheels);
            process::run(pip, "installing cargo-zigbuild", progress, deadlines::ARTEFACT_FETCH).await?;
            std::fs::rename(scratch.keep(), &tools)
                .context(Kind::Environment, || format!("{} cannot be written", tools.display()))?;
        }
        let mut command = Command::new(tools.join("bin/cargo-zigbuild"));
        command
            .args(["zigbuild", "--target", &format!("{TARGET}.{glibc}")])
            // cargo-zigbuild runs `python3 -m ziglang`.
            .env("PYTHONPATH", &tools)
            .env("CARGO", cargo());
        Ok(command)
    }
}

/// The cargo that runs us, else the one on the path.
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The C library of the root file system that the image ends in.
fn glibc_of(image: &Resolved) -> Result<&str> {
    let mut root = image;
    while let Some(base) = &root.base {
        root = base;
    }
    let bootstrap = root.manifest.bootstrap.as_ref();
    bootstrap
        .map(|bootstrap| bootstrap.glibc.as_str())
        .ok_or_else(|| Error::internal(format!("the image {} ends in no [bootstrap]", image.name)))
}

/// The version of this machine's C library; none where it is not the GNU one.
async fn host_glibc() -> Option<String> {
    let output = Command::new("ldd").arg("--version").output().await.ok()?;
    glibc_version(&String::from_utf8_lossy(&output.stdout))
}

/// The first line ends in the version, as in `ldd (Debian GLIBC 2.36-9+deb12u14) 2.36`.
fn glibc_version(text: &str) -> Option<String> {
    let first = text.lines().next()?;
    let gnu = first.contains("GLIBC") || first.contains("GNU libc");
    let version = first.split_whitespace().last().filter(|_| gnu)?;
    version.contains('.').then(|| version.to_owned())
}

/// True where programs linked on the host run on an image with the C library `image`.
fn fits(host: Option<&str>, image: &str) -> bool {
    let forced = std::env::var(FORCE).is_ok_and(|value| value == "1");
    !forced && host.is_some_and(|host| numbers(host) <= numbers(image))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The binary target `name` in cargo's messages.
fn executable(messages: &[String], name: &str) -> Option<PathBuf> {
    let path = |line: &String| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
        Some(Path::new(message["executable"].as_str().filter(|_| is_it)?).to_owned())
    };
    messages.iter().find_map(path)
}

/// The shared library of the package in the folder `service`, in cargo's messages.
fn library(messages: &[String], service: &str) -> Option<PathBuf> {
    let manifest = format!("/{service}/Cargo.toml");
    let path = |line: &String| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["reason"] == "compiler-artifact" && message["manifest_path"].as_str()?.ends_with(&manifest);
        let mut files = message["filenames"].as_array().filter(|_| is_it)?.iter();
        let library = files.find_map(|file| file.as_str().filter(|file| file.ends_with(".so")))?;
        Some(Path::new(library).to_owned())
    };
    messages.iter().find_map(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_the_c_library_is_read() {
        let debian = glibc_version("ldd (Debian GLIBC 2.36-9+deb12u14) 2.36\nCopyright");
        assert_eq!(debian.as_deref(), Some("2.36"));
        assert_eq!(glibc_version("ldd (GNU libc) 2.39\n").as_deref(), Some("2.39"));
        assert_eq!(glibc_version("musl libc (x86_64)\nVersion 1.2.4\n"), None);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(numbers("2.9") < numbers("2.36"));
        assert!(numbers("2.36") <= numbers("2.36"));
        assert!(numbers("2.39") > numbers("2.36"));
    }

    #[test]
    fn the_program_is_taken_from_cargos_messages() {
        let messages = [
            r#"{"reason":"compiler-artifact","target":{"name":"helper"},"executable":null}"#,
            r#"{"reason":"compiler-artifact","target":{"name":"service"},"executable":"/t/service"}"#,
        ]
        .map(str::to_owned);
        assert_eq!(executable(&messages, "service"), Some(PathBuf::from("/t/service")));
        assert_eq!(executable(&messages, "helper"), None);
    }

    #[test]
    fn the_library_is_taken_from_cargos_messages() {
        let messages = [
            r#"{"reason":"compiler-artifact","manifest_path":"/w/macros/Cargo.toml","filenames":["/t/libmacros.so"]}"#,
            r#"{"reason":"compiler-artifact","manifest_path":"/w/service/Cargo.toml","filenames":["/t/libx.so"]}"#,
        ]
        .map(str::to_owned);
        assert_eq!(library(&messages, "service"), Some(PathBuf::from("/t/libx.so")));
        assert_eq!(library(&messages, "other"), None);
    }
}
