//! Python wheels out of folders: what pip installs, without Python.
//!
//! After the binary distribution format of PyPA (PEP 427): a zip archive with `*.dist-info/{METADATA,WHEEL,RECORD}`,
//! where RECORD has a line for each file: name, unpadded URL-safe base64 of the sha256, size.

use std::path::Path;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use super::archive;
use super::tree::{Tree, package};
use crate::Result;

/// The bytes of a wheel of a folder that has everything but RECORD.
///
/// # Errors
/// [`Kind::Package`](crate::Kind::Package) where it has no `*.dist-info` with METADATA and WHEEL, or has a RECORD.
pub fn build(folder: &Path) -> Result<Vec<u8>> {
    let tree = Tree::of_folder(folder)?;
    let top = tree.list("");
    let info = top.iter().find(|name| name.ends_with(".dist-info/"));
    let info = info.ok_or_else(|| package(format!("{} has no folder *.dist-info", folder.display())))?;
    for file in ["METADATA", "WHEEL"] {
        if tree.get(&format!("{info}{file}")).is_none() {
            return Err(package(format!("{} has no {info}{file}", folder.display())));
        }
    }
    let record = format!("{info}RECORD");
    if tree.get(&record).is_some() {
        return Err(package(format!(
            "{} has a {record}, which is made here",
            folder.display()
        )));
    }
    let mut lines = String::new();
    for (name, bytes) in tree.files() {
        let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        lines.push_str(&format!("{name},sha256={hash},{}\n", bytes.len()));
    }
    lines.push_str(&format!("{record},,\n"));
    // The metadata goes last, as the format advises.
    let (info_files, code): (Vec<_>, Vec<_>) = tree.files().partition(|(name, _)| name.starts_with(info.as_str()));
    let files = code
        .into_iter()
        .chain(info_files)
        .map(|(name, bytes)| (name.to_owned(), bytes));
    archive::write(files.chain([(record, lines.as_bytes())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_records_every_file_and_is_the_same_each_time() {
        let folder = crate::workspace::fixtures().join("packages/artefacts/dcos_helloworld-0.1.0");
        let bytes = build(&folder).unwrap();
        assert_eq!(bytes, build(&folder).unwrap());
        let tree = archive::of_bytes(Path::new("x.whl"), bytes).unwrap();
        let record = "dcos_helloworld-0.1.0.dist-info/RECORD";
        let lines = std::str::from_utf8(tree.get(record).unwrap()).unwrap();
        for (name, content) in tree.files() {
            let hash = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(content));
            let line = match name == record {
                true => format!("{record},,\n"),
                false => format!("{name},sha256={hash},{}\n", content.len()),
            };
            assert!(lines.contains(&line), "{line} stands in {lines}");
        }
        assert_eq!(lines.lines().count(), tree.files().count());
    }

    #[test]
    fn a_folder_that_is_no_wheel_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = |folder: &Path| build(folder).expect_err("no wheel").to_string();
        assert!(message(folder.path()).ends_with("has no folder *.dist-info"));
        std::fs::create_dir(folder.path().join("a-1.dist-info")).unwrap();
        std::fs::write(folder.path().join("a-1.dist-info/METADATA"), "").unwrap();
        assert!(message(folder.path()).ends_with("has no a-1.dist-info/WHEEL"));
    }
}
