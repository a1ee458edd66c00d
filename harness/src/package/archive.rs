//! Zip archives: reading what others made without trusting it, and writing the same bytes for the same files.

use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::tree::{ALL_BYTES, Tree, limits, package};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// Reads an archive into memory. Nothing is unpacked to disk, so no name in it can lead anywhere; names that try to are
/// refused all the same, since the client would unpack them.
///
/// # Errors
/// [`Kind::Usage`] where the file cannot be read; [`Kind::Package`] where it is no zip, is damaged or encrypted, has a
/// name that leads out or a symbolic link, or is over a limit.
pub fn read(file: &Path) -> Result<Tree> {
    let shown = file.display();
    let size = std::fs::metadata(file)
        .context(Kind::Usage, || format!("{shown} cannot be read"))?
        .len();
    if size > ALL_BYTES {
        return Err(package(format!("{shown} has {size} bytes")).expected(limits()));
    }
    let bytes = std::fs::read(file).context(Kind::Usage, || format!("{shown} cannot be read"))?;
    of_bytes(file, bytes)
}

pub(super) fn of_bytes(file: &Path, bytes: Vec<u8>) -> Result<Tree> {
    let shown = file.display();
    let damaged = |error: zip::result::ZipError| {
        Error::new(Kind::Package, format!("{shown} is no intact zip archive")).caused_by(error)
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut tree = Tree::new(file);
    for index in 0..archive.len() {
        // Reading is what decrypts: an encrypted entry is told by its own error.
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.into_owned();
        let refuse = |what: &str| {
            Err(package(format!("{shown}: the entry {name:?} {what}"))
                .expected("files and folders below the archive's own folder"))
        };
        if !contained(&name) {
            return refuse("leads out of the archive");
        }
        if entry.is_symlink() {
            return refuse("is a symbolic link");
        }
        if entry.is_dir() {
            continue;
        }
        // The size that an entry says may be a lie in either direction, so both are looked at.
        let said = entry.size();
        tree.fits(&name, said)?;
        let mut content = Vec::new();
        let read = entry.by_ref().take(said + 1).read_to_end(&mut content);
        read.context(Kind::Package, || format!("{shown}: the entry {name:?} is damaged"))?;
        if content.len() as u64 != said {
            return refuse(&format!("is not {said} bytes long, as it says"));
        }
        tree.add(name, content)?;
    }
    Ok(tree)
}

/// Whether a name stays below where it is unpacked, on every system that the client runs on.
fn contained(name: &str) -> bool {
    let name = name.strip_suffix('/').unwrap_or(name);
    let part = |part: &str| !part.is_empty() && part != "." && part != "..";
    !name.contains(['\\', '\0', ':']) && name.split('/').all(part)
}

/// An archive of `files` in the order given. Its bytes depend on names and contents alone: entries are stored as they
/// are, with one date and one mode, so no compressor's version shows.
///
/// # Errors
/// [`Kind::Internal`] where a name stands there twice.
pub fn write<'f>(files: impl IntoIterator<Item = (String, &'f [u8])>) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        // Scripts are run by the client's `--validate`; a wheel's and a package's other files are read.
        let mode = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(mode);
        let failed = || format!("{name} cannot be put into an archive");
        writer.start_file(&name, options).context(Kind::Internal, failed)?;
        writer.write_all(bytes).context(Kind::Internal, failed)?;
    }
    let done = writer.finish();
    Ok(done
        .context(Kind::Internal, || "the archive cannot be finished".to_owned())?
        .into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::tree::FILE_BYTES;

    fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn refused(bytes: Vec<u8>) -> String {
        of_bytes(Path::new("x.zip"), bytes)
            .expect_err("it is refused")
            .explain()
    }

    #[test]
    fn what_is_written_is_read_and_is_the_same_each_time() {
        let files = || {
            [
                ("top/a.json".to_owned(), &b"{}"[..]),
                ("top/run.sh".to_owned(), b"#!/bin/sh"),
            ]
        };
        let bytes = write(files()).unwrap();
        assert_eq!(bytes, write(files()).unwrap());
        let tree = of_bytes(Path::new("x.zip"), bytes).unwrap();
        let read: Vec<_> = tree.files().collect();
        assert_eq!(read, [("top/a.json", &b"{}"[..]), ("top/run.sh", b"#!/bin/sh")]);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in [
            "../evil",
            "top/../../evil",
            "/etc/passwd",
            "a\\..\\evil",
            "C:evil",
            "a//b",
            "./a",
        ] {
            let text = refused(zip(&[("top/fine", b""), (name, b"")]));
            assert!(text.contains("leads out of the archive"), "{name}: {text}");
            assert!(text.contains(&format!("{name:?}")), "{name}: {text}");
        }
    }

    #[test]
    fn a_link_is_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .add_symlink("top/l", "/etc", SimpleFileOptions::default())
            .unwrap();
        let text = refused(writer.finish().unwrap().into_inner());
        assert!(text.contains("\"top/l\" is a symbolic link"), "{text}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        let zeros = vec![0; usize::try_from(FILE_BYTES).unwrap() + 1];
        let bytes = zip(&[("top/bomb", &zeros)]);
        assert!(bytes.len() < 100_000, "it is small as it comes");
        assert!(refused(bytes).contains("top/bomb has 8388609 bytes"));

        let names: Vec<String> = (0..9).map(|number| format!("top/{number}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &zeros[1..])).collect();
        assert!(refused(zip(&many)).contains("more than 67108864 bytes up to top/8"));

        let names: Vec<String> = (0..10_001).map(|number| format!("top/{number}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(refused(zip(&many)).contains("more than 10000 files"));
    }

    #[test]
    fn an_entry_that_lies_about_its_size_is_refused() {
        let mut bytes = zip(&[("top/a", &[7; 1000])]);
        // The uncompressed size in the central directory: 24 bytes into its record.
        let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&10_u32.to_le_bytes());
        let text = refused(bytes);
        assert!(text.contains("top/a"), "{text}");
    }

    #[test]
    fn what_is_no_zip_is_said_to_be_none() {
        assert!(refused(b"<html>404</html>".to_vec()).contains("x.zip is no intact zip archive"));
        assert!(refused(Vec::new()).contains("no intact zip"));
        let mut cut = zip(&[("top/a", b"abc")]);
        cut.truncate(cut.len() / 2);
        assert!(refused(cut).contains("no intact zip"));
    }
}
