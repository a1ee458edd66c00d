//! The build context of an image: the files of its folder, as the builder gets them.
//!
//! Nothing is left out: a file that must not count must not be there. `.dockerignore` is refused for that reason. A link
//! to a file outside of the folder is that file: so two images have one in common.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::digest;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// One entry of a folder.
#[derive(Clone, Debug)]
pub(super) struct ContextFile {
    /// Relative to the folder, with `/`.
    pub(super) path: String,
    source: PathBuf,
    executable: bool,
    link: Option<PathBuf>,
}

impl ContextFile {
    /// A file of the host under another name, as a program or as data.
    pub(super) fn new(path: String, source: PathBuf, executable: bool) -> Self {
        ContextFile {
            path,
            source,
            executable,
            link: None,
        }
    }

    /// What of the entry counts: its kind, whether it is executable, and its contents.
    pub(super) fn fingerprint(&self) -> Result<String> {
        match &self.link {
            Some(target) => Ok(format!("link {}", target.display())),
            None => self.content(),
        }
    }

    fn content(&self) -> Result<String> {
        let (_, sha256) = digest::of_file(&self.source)?;
        Ok(format!("{} {sha256}", if self.executable { "program" } else { "file" }))
    }
}

/// Every file below `folder`, by path.
pub(super) fn files(folder: &Path) -> Result<Vec<ContextFile>> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<ContextFile>) -> Result<()> {
    let reading = || format!("the folder {} cannot be read", folder.display());
    for entry in fs::read_dir(folder).context(Kind::Usage, reading)? {
        let entry = entry.context(Kind::Usage, reading)?;
        let source = entry.path();
        let refused = |why: &str| Error::usage(format!("{} cannot go into an image: {why}", source.display()));
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| refused("its name is not UTF-8"))?;
        if name == ".dockerignore" {
            return Err(refused("every file of the folder is sent").hint("remove what the image does not need"));
        }
        let path = format!("{prefix}{name}");
        let metadata = entry.metadata().context(Kind::Usage, reading)?;
        if metadata.is_dir() {
            collect(&source, &format!("{path}/"), found)?;
        } else if metadata.is_file() {
            let executable = is_executable(&metadata);
            found.push(ContextFile::new(path, source, executable));
        } else if metadata.is_symlink() {
            let link = fs::read_link(&source).context(Kind::Usage, reading)?;
            if leads_out(&path, &link)
                && let Ok(shared) = fs::metadata(&source)
                && shared.is_file()
            {
                found.push(ContextFile::new(path, source, is_executable(&shared)));
                continue;
            }
            found.push(ContextFile {
                link: Some(link),
                ..ContextFile::new(path, source, false)
            });
        } else {
            return Err(refused("it is neither a file nor a symbolic link"));
        }
    }
    Ok(())
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

/// Whether a link at `path` of a folder leads to something outside of the folder.
fn leads_out(path: &str, link: &Path) -> bool {
    let mut depth = path.matches('/').count();
    for part in link.components() {
        match part {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            // As the image has it, not this machine.
            Component::RootDir | Component::Prefix(_) => return false,
            Component::CurDir => {}
        }
    }
    false
}

/// Writes the archive that the builder reads: `files`, then `texts` (path and contents), then empty `folders`.
///
/// Owners, times and all mode bits but "executable" are the same for everyone, as they do not count in the hash.
pub(super) fn archive(
    files: &[ContextFile],
    texts: &[(String, &str)],
    folders: &[&str],
    to: &mut File,
) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(to);
    for folder in folders {
        let mut header = header(tar::EntryType::Directory, 0o755);
        archive.append_data(&mut header, folder, std::io::empty())?;
    }
    for file in files {
        if let Some(target) = &file.link {
            let mut header = header(tar::EntryType::Symlink, 0o777);
            archive.append_link(&mut header, &file.path, target)?;
            continue;
        }
        let source = File::open(&file.source)?;
        let mut header = header(tar::EntryType::Regular, if file.executable { 0o755 } else { 0o644 });
        header.set_size(source.metadata()?.len());
        archive.append_data(&mut header, &file.path, source)?;
    }
    for (path, text) in texts {
        let mut header = header(tar::EntryType::Regular, 0o644);
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    archive.into_inner()?.sync_data()
}

/// The Dockerfile with a label at the start of each stage: what a stage leaves behind can be told from foreign images.
pub(super) fn label_stages(dockerfile: &str, label: &str) -> String {
    let mut labelled = String::with_capacity(dockerfile.len() + 256);
    let mut in_from = false;
    for line in dockerfile.lines() {
        labelled.push_str(line);
        labelled.push('\n');
        let begins = line
            .trim_start()
            .get(..5)
            .is_some_and(|word| word.eq_ignore_ascii_case("FROM "));
        in_from |= begins;
        if in_from && !line.trim_end().ends_with('\\') {
            labelled.push_str(&format!("LABEL {label}\n"));
            in_from = false;
        }
    }
    labelled
}

fn header(kind: tar::EntryType, mode: u32) -> tar::Header {
    // Some programs refuse files from before 1980, which the zip format cannot express.
    const TIME: u64 = 1_000_000_000;
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(TIME);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    #[test]
    fn the_archive_holds_every_file_and_nothing_of_its_owner() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("shared"), "of two images\n").unwrap();
        let dir = parent.path().join("image");
        fs::create_dir_all(dir.join("conf")).unwrap();
        fs::write(dir.join("conf/zoo.cfg"), "tickTime=2000\n").unwrap();
        fs::write(dir.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        for (target, link) in [
            ("run", "start"),
            ("../run", "conf/start"),
            ("../../shared", "conf/shared"),
            ("../../nothing", "conf/dangling"),
        ] {
            std::os::unix::fs::symlink(target, dir.join(link)).unwrap();
        }

        let mut to = tempfile::tempfile().unwrap();
        let extra = ("host-ca/a.crt".to_owned(), "pem");
        archive(&files(&dir).unwrap(), &[extra], &["host-ca"], &mut to).unwrap();
        to.rewind().unwrap();
        let mut listed = Vec::new();
        for entry in tar::Archive::new(to).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let path = entry.path().unwrap().display().to_string();
            assert_eq!(entry.header().uid().unwrap(), 0);
            listed.push(format!("{path} {:o} {text:?}", entry.header().mode().unwrap()));
        }
        insta::assert_snapshot!(listed.join("\n"), @r##"
        host-ca 755 ""
        conf/dangling 777 ""
        conf/shared 644 "of two images\n"
        conf/start 777 ""
        conf/zoo.cfg 644 "tickTime=2000\n"
        run 755 "#!/bin/sh\n"
        start 777 ""
        host-ca/a.crt 644 "pem"
        "##);
    }

    #[test]
    fn every_stage_is_labelled() {
        let labelled = label_stages(
            "ARG BASE\nFROM ${BASE} AS a\nRUN x \\\n  y\nfrom \\\n  ${BASE}\nCOPY FROM /",
            "a=b",
        );
        insta::assert_snapshot!(labelled, @r"
        ARG BASE
        FROM ${BASE} AS a
        LABEL a=b
        RUN x \
          y
        from \
          ${BASE}
        LABEL a=b
        COPY FROM /
        ");
    }

    #[test]
    fn a_link_to_the_outside_is_the_file_that_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, other) = (dir.path().join("folder"), dir.path().join("other.js"));
        fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink("../other.js", folder.join("kit.js")).unwrap();
        let seen = || files(&folder).unwrap()[0].fingerprint().unwrap();
        fs::write(&other, "one").unwrap();
        let before = seen();
        fs::write(&other, "two").unwrap();
        assert_ne!(seen(), before);
    }

    #[test]
    fn a_dockerignore_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".dockerignore"), "*").unwrap();
        let error = files(dir.path()).expect_err("it would leave files out silently");
        assert!(error.to_string().contains(".dockerignore"), "{error}");
    }

    #[test]
    fn contents_executability_and_link_targets_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let fingerprint = || files(dir.path()).unwrap()[0].fingerprint().unwrap();
        fs::write(&path, "a").unwrap();
        let first = fingerprint();
        fs::write(&path, "b").unwrap();
        let second = fingerprint();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let third = fingerprint();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("b", &path).unwrap();
        let all = std::collections::BTreeSet::from([first, second, third, fingerprint()]);
        assert_eq!(all.len(), 4);
    }
}
