//! Puts a report and its renderings into the run's folder, and lists all of it with its sha256.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::model::{Capability, Report};
use super::render;
use crate::error::Context;
use crate::evidence::write_atomically;
use crate::{Kind, Result};

/// The canonical document.
pub const REPORT_FILE: &str = "report.json";
/// What the probes said.
pub const CAPABILITIES_FILE: &str = "capabilities.json";
const MANIFEST_FILE: &str = "MANIFEST.sha256";

/// The report as it stands in [`REPORT_FILE`].
///
/// # Errors
/// [`Kind::Internal`] where it does not serialise.
pub fn to_json(report: &Report) -> Result<String> {
    let mut json = serde_json::to_string_pretty(report)
        .context(Kind::Internal, || "the report does not serialise as JSON".to_owned())?;
    json.push('\n');
    Ok(json)
}

/// Reads a report back.
///
/// # Errors
/// [`Kind::Usage`] where the file is absent or no report of this schema.
pub fn read(path: &Path) -> Result<Report> {
    let text = std::fs::read(path).context(Kind::Usage, || format!("cannot read the report {}", path.display()))?;
    serde_json::from_slice(&text).context(Kind::Usage, || format!("{} is no conformance report", path.display()))
}

/// Writes every form of the report into `directory`, the manifest last.
///
/// # Errors
/// Where any file cannot be written: a report that is not there is never a success.
pub fn write(report: &Report, directory: &Path) -> Result<()> {
    write_capabilities(&report.capabilities, directory)?;
    for (name, text) in [
        (REPORT_FILE, to_json(report)?),
        ("report.html", render::html(report)?),
        ("junit.xml", render::junit(report)?),
        ("summary.md", render::summary(report)),
        ("README.md", render::readme(report)),
    ] {
        write_atomically(&directory.join(name), text.as_bytes())?;
    }
    write_atomically(&directory.join(MANIFEST_FILE), manifest(directory)?.as_bytes())
}

/// Writes what the probes said, before the first scenario.
///
/// # Errors
/// Where the file cannot be written.
pub(crate) fn write_capabilities(capabilities: &[Capability], directory: &Path) -> Result<()> {
    let json = serde_json::to_vec_pretty(capabilities)
        .context(Kind::Internal, || "the capabilities do not serialise".to_owned())?;
    write_atomically(&directory.join(CAPABILITIES_FILE), &json)
}

/// Every file of the folder as `sha256sum -c` takes it, sorted by path.
fn manifest(directory: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(directory, &mut files)?;
    files.sort();
    let mut lines = String::new();
    for path in files {
        let name = path.strip_prefix(directory).unwrap_or(&path);
        if name == Path::new(MANIFEST_FILE) {
            continue;
        }
        let bytes = std::fs::read(&path).context(Kind::Internal, || format!("cannot read {}", path.display()))?;
        let sum: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        lines.push_str(&format!("{sum}  {}\n", name.display()));
    }
    Ok(lines)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).context(Kind::Internal, unreadable)? {
        let entry = entry.context(Kind::Internal, unreadable)?;
        let kind = entry.file_type().context(Kind::Internal, unreadable)?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
