//! Debian's and Ubuntu's packages.

use std::path::Path;

use super::process::{find_program, run_logged};
use super::{Say, Work};
use crate::{Error, Result, deadlines};

/// True where packages can be had with apt-get.
pub(super) fn is_debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    names_debian(&release) && find_program("apt-get").is_some()
}

pub(super) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Reads the os-release format of freedesktop.org: `ID` and the blank-separated `ID_LIKE`.
fn names_debian(release: &str) -> bool {
    let ids = release.lines().filter_map(|line| {
        line.strip_prefix("ID=")
            .or_else(|| line.strip_prefix("ID_LIKE="))
            .map(|value| value.trim_matches('"'))
    });
    ids.flat_map(str::split_whitespace)
        .any(|id| matches!(id, "debian" | "ubuntu"))
}

/// Installs `packages` without what they merely recommend. `log` is appended to.
pub(super) async fn install(packages: &[&str], log: &Path, say: Say<'_>) -> Result<()> {
    let work = Work::begin(
        say,
        format!("installing {} (log: {})", packages.join(" and "), log.display()),
    );
    let env = [("DEBIAN_FRONTEND", "noninteractive"), ("LC_ALL", "C")];
    // A fresh machine has no package lists; one without a network may have all it needs in apt's cache.
    let lists = run_logged(&["apt-get", "update"], &env, log, deadlines::PACKAGE_INSTALL).await;
    let mut argv = vec![
        "apt-get",
        "-o",
        "DPkg::Lock::Timeout=120",
        "install",
        "--yes",
        "--no-install-recommends",
    ];
    argv.extend(packages);
    run_logged(&argv, &env, log, deadlines::PACKAGE_INSTALL)
        .await
        .map_err(|error| match lists {
            Err(lists) => error.evidence(format!("before that: {lists}")),
            Ok(()) => error,
        })
        .map_err(|error: Error| error.hint("`apt-get install` by hand shows what is in the way"))?;
    work.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_kin_are_known() {
        assert!(names_debian("NAME=\"Debian\"\nID=debian\n"));
        assert!(names_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!names_debian("ID=\"fedora\"\nVARIANT_ID=debian\n"));
    }
}
