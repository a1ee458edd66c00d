//! Room on the disk that the engine keeps images, containers and volumes on.

use std::path::Path;

use super::{Engine, engine};
use crate::{Error, Kind, Result};

/// The least that one image build needs, in MiB.
pub const BUILD_MIB: u64 = 2 * 1024;
/// The least that a cluster needs for its logs, volumes and sandboxes, in MiB.
pub const CLUSTER_MIB: u64 = 512;

/// What is free to us on the file system of `folder`, in MiB.
///
/// # Errors
/// The system's own.
pub fn free_mib(folder: &Path) -> std::io::Result<u64> {
    let room = nix::sys::statvfs::statvfs(folder)?;
    Ok(room.blocks_available() * room.fragment_size() / (1 << 20))
}

/// True where the engine's files can be looked at: it is on this machine.
#[must_use]
pub fn is_here(data_root: &str) -> bool {
    cfg!(target_os = "linux") && engine::address().starts_with("unix://") && Path::new(data_root).is_dir()
}

/// Refuses to begin what would end in the middle for want of `mib` MiB. An engine elsewhere is not looked at.
///
/// # Errors
/// [`Kind::Environment`] with what is free, and where.
pub(crate) async fn require(engine: &Engine, mib: u64, purpose: &str) -> Result<()> {
    let folder = engine.info().await?.docker_root_dir.as_deref().unwrap_or_default();
    if !is_here(folder) {
        return Ok(());
    }
    match free_mib(Path::new(folder)) {
        Ok(free) if free < mib => Err(Error::new(
            Kind::Environment,
            format!("the engine's disk is full: {free} MiB free in {folder}"),
        )
        .expected(format!("{mib} MiB {purpose}"))
        .ran(format!("df -h {folder}"))
        .hint("make room: `harness images prune`, `docker system df`")),
        Ok(_) => Ok(()),
        Err(unknown) => {
            tracing::debug!("the room in {folder} is not known: {unknown}");
            Ok(())
        }
    }
}
