//! The commands of the toolbox on a person's PATH: small scripts that call `harness tool`, and the lines by which a shell
//! finds them.
//!
//! The scripts are the same for every cluster, so they lie in the cache and nobody removes them; which cluster they are
//! for is in the variable [`CLUSTER`] of the shell.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::docker::exec::quoted;
use crate::error::Context;
use crate::image::{cache, digest};
use crate::{Error, Kind, Result};

/// The variable that names the cluster which a shell's commands are for.
pub const CLUSTER: &str = "HARNESS_CLUSTER";
/// The commands, as the README types them, and ZooKeeper's shell. Not those that a host has of its own: curl, dig.
pub const NAMES: [&str; 4] = ["dcos", "kafkacat", "kcat", "zkCli.sh"];

/// How a shell is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// sh, bash, zsh, dash, ksh.
    Posix,
    /// fish.
    Fish,
}

impl Shell {
    /// The shell that called this process, else the person's own.
    #[must_use]
    pub fn of_caller() -> Self {
        let parent = std::os::unix::process::parent_id();
        let caller = std::fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
        let own = std::env::var("SHELL").unwrap_or_default();
        let known = [caller.trim(), &own].into_iter().find_map(|name| name.parse().ok());
        known.unwrap_or(Shell::Posix)
    }

    /// The lines that put `folder` first on `path` and name the cluster.
    #[must_use]
    pub fn enter(self, folder: &Path, cluster: &str, path: &str) -> String {
        let mut folders = vec![folder.display().to_string()];
        folders.extend(without(path, folder));
        let mut lines = self.set_path(&folders);
        let _ = match self {
            Shell::Posix => writeln!(lines, "export {CLUSTER}={}", quoted(cluster)),
            Shell::Fish => writeln!(lines, "set -gx {CLUSTER} {}", quoted_for_fish(cluster)),
        };
        if self == Shell::Posix {
            lines.push_str(FORGET);
        }
        lines
    }

    /// The lines that take it back.
    #[must_use]
    pub fn leave(self, folder: &Path, path: &str) -> String {
        let mut lines = self.set_path(&without(path, folder));
        lines.push_str(match self {
            Shell::Posix => "unset HARNESS_CLUSTER\n",
            Shell::Fish => "set -e HARNESS_CLUSTER\n",
        });
        if self == Shell::Posix {
            lines.push_str(FORGET);
        }
        lines
    }

    fn set_path(self, folders: &[String]) -> String {
        match self {
            Shell::Posix => format!("export PATH={}\n", quoted(&folders.join(":"))),
            Shell::Fish => {
                let folders: Vec<String> = folders.iter().map(|folder| quoted_for_fish(folder)).collect();
                format!("set -gx PATH {}\n", folders.join(" "))
            }
        }
    }
}

/// A shell remembers where it found a command before.
const FORGET: &str = "hash -r 2>/dev/null || true\n";

impl FromStr for Shell {
    type Err = Error;

    /// Its name, or the path of its program; a login shell's name begins with a dash.
    fn from_str(text: &str) -> Result<Self> {
        let name = text.rsplit('/').next().unwrap_or(text).trim_start_matches('-');
        match name {
            "bash" | "dash" | "ksh" | "sh" | "zsh" => Ok(Shell::Posix),
            "fish" => Ok(Shell::Fish),
            _ => Err(Error::usage(format!("{text:?} is no shell that is known here"))
                .expected("one of bash, dash, fish, ksh, sh, zsh")),
        }
    }
}

/// The parts of `path`, but not `folder`.
fn without(path: &str, folder: &Path) -> Vec<String> {
    let parts = path.split(':').filter(|part| Path::new(part) != folder);
    parts.map(str::to_owned).collect()
}

/// fish knows two escapes between single quotes.
fn quoted_for_fish(word: &str) -> String {
    format!("'{}'", word.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The folder of the commands that call the program `harness`, whether it is there or not.
///
/// # Errors
/// [`Kind::Environment`] where this user has no cache.
pub fn folder(harness: &Path) -> Result<PathBuf> {
    let sum = digest::of_bytes(harness.as_os_str().as_encoded_bytes());
    Ok(cache::root()?.join("commands").join(&sum[..8]))
}

/// Makes the folder of the commands that call the program `harness`.
///
/// # Errors
/// [`Kind::Environment`] where it cannot be written.
pub fn install(harness: &Path) -> Result<PathBuf> {
    let folder = folder(harness)?;
    let failed = || format!("the commands cannot be written to {}", folder.display());
    std::fs::create_dir_all(&folder).context(Kind::Environment, failed)?;
    for name in NAMES {
        let path = folder.join(name);
        let script = script(harness, name);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == script) {
            continue;
        }
        // In one step: another shell may be calling it.
        let mut file = tempfile::NamedTempFile::new_in(&folder).context(Kind::Environment, failed)?;
        std::io::Write::write_all(&mut file, script.as_bytes()).context(Kind::Environment, failed)?;
        let mode = std::fs::Permissions::from_mode(0o755);
        file.as_file()
            .set_permissions(mode)
            .context(Kind::Environment, failed)?;
        let file = file.into_temp_path();
        file.persist(&path).context(Kind::Environment, failed)?;
    }
    Ok(folder)
}

fn script(harness: &Path, name: &str) -> String {
    let harness = quoted(&harness.display().to_string());
    format!("#!/bin/sh\n# Made by `harness env`.\nexec {harness} tool {name} \"$@\"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_enter_twice_is_to_enter_once() {
        let folder = Path::new("/cache/my commands");
        let once = Shell::Posix.enter(folder, "lab", "/bin:/usr/bin");
        assert_eq!(
            once,
            "export PATH='/cache/my commands:/bin:/usr/bin'\nexport HARNESS_CLUSTER=lab\nhash -r 2>/dev/null || true\n"
        );
        let path = "/cache/my commands:/bin:/usr/bin";
        assert_eq!(Shell::Posix.enter(folder, "lab", path), once);
        assert!(
            Shell::Posix
                .leave(folder, path)
                .starts_with("export PATH=/bin:/usr/bin\nunset")
        );
    }

    #[test]
    fn fish_has_a_list_and_other_quotes() {
        let lines = Shell::Fish.enter(Path::new("/it's"), "lab", r"/bin:/a\b");
        assert_eq!(
            lines,
            "set -gx PATH '/it\\'s' '/bin' '/a\\\\b'\nset -gx HARNESS_CLUSTER 'lab'\n"
        );
    }

    #[test]
    fn a_shell_is_known_by_its_program() {
        assert_eq!("/usr/bin/fish".parse::<Shell>().expect("known"), Shell::Fish);
        assert_eq!("-zsh".parse::<Shell>().expect("known"), Shell::Posix);
        assert!("csh".parse::<Shell>().is_err());
    }
}
