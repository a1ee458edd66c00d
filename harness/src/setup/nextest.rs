//! cargo-nextest: the one that `cargo nextest` finds, else a prebuilt one out of a Python wheel.
//!
//! The wheel is pinned in `fixtures/artefacts.lock`. pip only unpacks it into a folder of ours, which the rules of an
//! "externally managed" Python (PEP 668) allow, and the program moves from there to where cargo looks.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::process::{is_executable, output_of, run_logged};
use super::{Say, Work, cargo_home, lock};
use crate::error::Context;
use crate::{Error, Kind, Result, deadlines, workspace};

const CONFIGURATION: &str = include_str!("../../../.config/nextest.toml");
const PROGRAM: &str = "cargo-nextest";
const PREFIX: &str = ".mesos-harness-nextest-";
const LOCK_FILE: &str = "fixtures/artefacts.lock";

/// A nextest release, as in 0.9.148.
pub type Version = [u64; 3];

/// The program behind `cargo nextest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Where it is.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
}

/// As in `0.9.148`.
#[must_use]
pub fn display(version: Version) -> String {
    let [major, minor, patch] = version;
    format!("{major}.{minor}.{patch}")
}

/// The oldest release that this workspace's `.config/nextest.toml` takes.
///
/// # Errors
/// [`Kind::Internal`] where that file names none.
pub fn required() -> Result<Version> {
    let configuration: toml::Table =
        toml::from_str(CONFIGURATION).context(Kind::Internal, || ".config/nextest.toml is not TOML".to_owned())?;
    let named = configuration.get("nextest-version");
    named
        .and_then(|value| value.get("required").unwrap_or(value).as_str())
        .and_then(parse)
        .ok_or_else(|| Error::internal(".config/nextest.toml names no nextest-version"))
}

/// The one that `cargo nextest` runs now, if it runs at all.
///
/// # Errors
/// [`Kind::Environment`] where cargo's home is unknown.
pub async fn installed() -> Result<Option<Installed>> {
    let Some(path) = search_path(&cargo_home()?.join("bin")).find(|path| is_executable(path)) else {
        return Ok(None);
    };
    let words = [&*path.to_string_lossy(), "nextest", "--version"];
    let said = output_of(&words, deadlines::EXEC).await.unwrap_or_default();
    let version = said.split_whitespace().nth(1).and_then(parse);
    Ok(version.map(|version| Installed { path, version }))
}

/// Makes `cargo nextest` work, and gives the program behind it.
///
/// # Errors
/// [`Kind::Environment`] where there is no pip, or an older program stands before cargo's own folder on the search
/// path; [`Kind::Image`] where pip cannot have the wheel, or it is not the one in the lock file.
pub async fn ensure(say: Say<'_>) -> Result<PathBuf> {
    let required = required()?;
    let fits = |found: Option<Installed>| found.filter(|found| found.version >= required);
    if let Some(found) = fits(installed().await?) {
        return Ok(found.path);
    }
    let _lock = lock(say).await?;
    if let Some(found) = fits(installed().await?) {
        return Ok(found.path);
    }
    let home = cargo_home()?;
    let own = home.join("bin").join(PROGRAM);
    if let Some(other) = search_path(&home.join("bin"))
        .take_while(|path| *path != own)
        .find(|path| is_executable(path))
    {
        return Err(shadowed(&other, required));
    }
    let pin = Pin::read(&workspace::checkout().join(LOCK_FILE))?;
    let work = Work::begin(say, format!("installing cargo-nextest {}", pin.version));
    install(&pin, &home).await?;
    work.done();
    fits(installed().await?).map(|found| found.path).ok_or_else(|| {
        Error::new(
            Kind::Image,
            format!("{} was installed, but does not run here", own.display()),
        )
        .expected(format!("cargo-nextest {} or newer", display(required)))
        .ran(format!("{} nextest --version", own.display()))
        .hint("`cargo install cargo-nextest --locked` builds one for this machine")
    })
}

/// One that cargo finds before its own folder: installing another would change nothing.
fn shadowed(other: &Path, required: Version) -> Error {
    let least = display(required);
    let summary = format!(
        "`cargo nextest` runs {}, which is older than {least} or does not run",
        other.display()
    );
    Error::new(Kind::Environment, summary)
        .expected(format!("cargo-nextest {least} or newer"))
        .ran(format!("{} nextest --version", other.display()))
        .hint("remove it, or put cargo's bin folder before it on the search path")
}

/// cargo's own order: its bin folder first, unless the search path has that folder too.
fn search_path(bin: &Path) -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let first = (!folders.iter().any(|folder| folder == bin)).then(|| bin.to_path_buf());
    first.into_iter().chain(folders).map(|folder| folder.join(PROGRAM))
}

fn parse(text: &str) -> Option<Version> {
    let release = text.split(['-', '+']).next()?;
    let mut parts = release.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

/// What the lock file says of the wheel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Pin {
    name: String,
    file: String,
    version: String,
    sha256: String,
    request: String,
}

impl Pin {
    fn read(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            artefact: Vec<toml::Table>,
        }
        let text = std::fs::read_to_string(path).context(Kind::Internal, || {
            format!("the lock file {} cannot be read", path.display())
        })?;
        let file: File =
            toml::from_str(&text).context(Kind::Usage, || format!("{LOCK_FILE} is not as it should be"))?;
        let entry = file
            .artefact
            .into_iter()
            .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(PROGRAM));
        entry
            .ok_or_else(|| Error::internal(format!("{LOCK_FILE} has no artefact {PROGRAM}")))?
            .try_into()
            .context(Kind::Usage, || {
                format!("{LOCK_FILE}: the artefact {PROGRAM} is not as it should be")
            })
    }
}

async fn install(pin: &Pin, home: &Path) -> Result<()> {
    let broken = || format!("cargo's home {} cannot be written", home.display());
    let bin = home.join("bin");
    std::fs::create_dir_all(&bin).context(Kind::Environment, broken)?;
    clear_left_over(home);
    // Beside its destination, so that the move into place is one rename.
    let folder = tempfile::Builder::new()
        .prefix(PREFIX)
        .tempdir_in(home)
        .context(Kind::Environment, broken)?;
    let requirements = folder.path().join("requirements.txt");
    let line = format!("{} --hash=sha256:{}\n", pin.request, pin.sha256);
    std::fs::write(&requirements, line).context(Kind::Environment, broken)?;
    let target = folder.path().join("wheel");
    let (log, pip) = (folder.path().join("pip.log"), pip().await?);
    let (requirements, target_name) = (requirements.to_string_lossy(), target.to_string_lossy());
    let mut argv: Vec<&str> = pip.to_vec();
    argv.extend([
        "install",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--no-compile",
    ]);
    argv.extend([
        "--no-input",
        "--disable-pip-version-check",
        "--target",
        &target_name,
        "-r",
        &requirements,
    ]);
    // A person's own settings of these contradict --target.
    let env = [("PIP_USER", "0"), ("PIP_REQUIRE_VIRTUALENV", "0")];
    run_logged(&argv, &env, &log, deadlines::ARTEFACT_FETCH)
        .await
        .map_err(|error| refused(pin, error))?;
    let program = target.join("bin").join(PROGRAM);
    if !is_executable(&program) {
        let summary = format!("{} holds no executable bin/{PROGRAM}", pin.file);
        return Err(Error::new(Kind::Image, summary).ran(format!("pip download {}", pin.request)));
    }
    std::fs::rename(&program, bin.join(PROGRAM)).context(Kind::Environment, broken)
}

/// What a set-up that was killed left here; no other is at work, since we hold the lock.
fn clear_left_over(home: &Path) {
    for entry in std::fs::read_dir(home).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::debug!("{}: {error}", entry.path().display());
        }
    }
}

fn refused(pin: &Pin, error: Error) -> Error {
    Error::new(Kind::Image, format!("cargo-nextest could not be had: {}", pin.file))
        .expected(format!("{} with sha256 {} ({LOCK_FILE})", pin.request, pin.sha256))
        .evidence(error.explain())
        .hint("any cargo-nextest that is new enough will do: `cargo install cargo-nextest --locked` builds one")
}

/// The first of the ways to call pip that answers.
pub(crate) async fn pip() -> Result<&'static [&'static str]> {
    const WAYS: [&[&str]; 3] = [&["pip3"], &["pip"], &["python3", "-m", "pip"]];
    for way in WAYS {
        let words = [way, &["--version"]].concat();
        if output_of(&words, deadlines::EXEC).await.is_ok() {
            return Ok(way);
        }
    }
    Err(Error::new(Kind::Environment, "there is no pip")
        .expected("`pip3`, `pip` or `python3 -m pip` answers")
        .ran("python3 -m pip --version")
        .hint("on Debian and Ubuntu: apt-get install python3-pip"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse("0.9.148"), Some([0, 9, 148]));
        assert_eq!(parse("0.9.148-rc.1"), Some([0, 9, 148]));
        assert_eq!(parse("0.9"), None);
        assert!(parse("0.10.0") > parse("0.9.148"));
        assert_eq!(display([0, 9, 148]), "0.9.148");
    }

    #[test]
    fn the_workspaces_requirement_is_known_and_the_pin_meets_it() {
        let lock = workspace::checkout().join(LOCK_FILE);
        let pin = Pin::read(&lock).expect("the lock file has the wheel");
        assert!(parse(&pin.version).unwrap() >= required().unwrap());
        assert_eq!(pin.sha256.len(), 64);
    }

    #[tokio::test]
    async fn a_wheel_with_another_sum_is_refused_and_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let wheels = tempfile::tempdir().unwrap();
        let name = "mesos_harness_nothing-1.0-py3-none-any.whl";
        std::fs::write(wheels.path().join(name), "not the wheel").unwrap();
        let pin = Pin {
            name: PROGRAM.to_owned(),
            file: name.to_owned(),
            version: "1.0".to_owned(),
            sha256: "0".repeat(64),
            request: format!("mesos-harness-nothing @ file://{}/{name}", wheels.path().display()),
        };
        let left = home.path().join(format!("{PREFIX}killed"));
        std::fs::create_dir(left).unwrap();
        let error = install(&pin, home.path()).await.expect_err("the sum differs");
        assert_eq!(error.kind(), Kind::Image);
        let text = error.explain();
        for part in [name, &pin.sha256, "Got"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
        assert!(!home.path().join("bin").join(PROGRAM).exists());
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "only bin/ is left");
    }
}
