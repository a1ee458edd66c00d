//! How evidence and reports are written.

use std::io::Write as _;
use std::path::Path;

use crate::error::Context;
use crate::{Kind, Result};

/// Now, as reports write it: RFC 3339 in UTC, to the millisecond.
#[must_use]
pub fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Writes a file whole or not at all, and makes its folder.
///
/// # Errors
/// [`Kind::Internal`] naming the file.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).context(Kind::Internal, failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".partial-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)
        .context(Kind::Internal, failed)?;
    file.write_all(bytes).context(Kind::Internal, failed)?;
    file.persist(path).map(drop).context(Kind::Internal, failed)
}
