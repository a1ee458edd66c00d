//! What is put into a container before it starts.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bollard::query_parameters::UploadToContainerOptionsBuilder;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::Engine;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// What is read and sent at a time.
const BLOCK: usize = 256 * 1024;
/// Blocks that were read and are not sent yet.
const AHEAD: usize = 4;

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Those of a file of this machine, which is never in memory as a whole.
    File(PathBuf),
}

impl<T: Into<Vec<u8>>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Content::Bytes(bytes.into())
    }
}

impl Content {
    /// Opened: its size, and what reads it.
    fn open(&self) -> Result<(u64, Box<dyn Read + Send + '_>)> {
        match self {
            Content::Bytes(bytes) => Ok((bytes.len() as u64, Box::new(bytes.as_slice()))),
            Content::File(path) => {
                let reading = || format!("{} cannot be read", path.display());
                let file = File::open(path).context(Kind::Environment, reading)?;
                let size = file.metadata().context(Kind::Environment, reading)?.len();
                Ok((size, Box::new(file)))
            }
        }
    }
}

/// Files and symbolic links by their absolute paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Upload {
    files: Vec<(String, Content)>,
    links: Vec<(String, String)>,
}

impl Upload {
    pub(super) fn file(&mut self, path: String, content: Content) {
        self.files.push((path, content));
    }

    pub(super) fn link(&mut self, path: String, target: String) {
        self.links.push((path, target));
    }

    /// Puts all of it into the container `name`.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a path that no archive can have; [`Kind::Environment`] for a file that cannot be read, and
    /// where the engine refuses.
    pub(super) async fn put(&self, engine: &Engine, name: &str) -> Result<()> {
        if self.files.is_empty() && self.links.is_empty() {
            return Ok(());
        }
        // The archive is made while it is sent, by a thread of its own.
        let (blocks, mut sent) = mpsc::channel(AHEAD);
        let all = self.clone();
        let made = tokio::task::spawn_blocking(move || all.write(Blocks(blocks)));
        let body = futures_util::stream::poll_fn(move |context| sent.poll_recv(context));
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let body = bollard::body_try_stream(body);
        let upload = engine.docker().upload_to_container(name, Some(options), body);
        let ran = format!("docker cp - {name}:/");
        let uploaded = engine.request(&format!("copy files into {name}"), ran, upload).await;
        // Where the request ended early, there is nobody to write to: that is no reason of its own.
        match (made.await, uploaded) {
            (_, Ok(())) => Ok(()),
            (Ok(Err(error)), Err(_)) if error.kind() != Kind::Internal => Err(error),
            (_, Err(error)) => Err(error),
        }
    }

    fn write(&self, to: Blocks) -> Result<()> {
        let blocks = to.0.clone();
        let written = self.archive(BufWriter::with_capacity(BLOCK, to));
        if written.is_err() {
            // An archive that breaks off would be taken for a whole one.
            let _ = blocks.blocking_send(Err(io::Error::other("its archive cannot be made")));
        }
        written
    }

    fn archive(&self, to: impl Write) -> Result<()> {
        let broken = || "an archive broke off".to_owned();
        let mut archive = tar::Builder::new(to);
        for (path, target) in &self.links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            let wrong =
                |error| Error::usage(format!("the link {path} cannot be put into a container")).caused_by(error);
            archive.append_link(&mut header, inside(path), target).map_err(wrong)?;
        }
        for (path, content) in &self.files {
            let (size, content) = content.open()?;
            let mut header = tar::Header::new_gnu();
            header.set_size(size);
            header.set_mode(0o644);
            let wrong =
                |error| Error::usage(format!("the file {path} cannot be put into a container")).caused_by(error);
            // What grows meanwhile would be read as the next file.
            archive
                .append_data(&mut header, inside(path), content.take(size))
                .map_err(wrong)?;
        }
        let mut to = archive.into_inner().context(Kind::Internal, broken)?;
        to.flush().context(Kind::Internal, broken)
    }
}

/// The body of a request, written from a thread.
#[derive(Debug)]
struct Blocks(mpsc::Sender<io::Result<Bytes>>);

impl Write for Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let block = Bytes::copy_from_slice(bytes);
        match self.0.blocking_send(Ok(block)) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn inside(path: &str) -> &Path {
    Path::new(path).strip_prefix("/").unwrap_or(Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_bytes_are_in_one_archive_below_its_top() {
        let folder = tempfile::tempdir().expect("a folder");
        let large = folder.path().join("large");
        std::fs::write(&large, vec![7; 3 * BLOCK]).expect("it is written");
        let mut upload = Upload::default();
        upload.file("/srv/small".to_owned(), "few".into());
        upload.file("/srv/large".to_owned(), Content::File(large));
        upload.link("/srv/link".to_owned(), "small".to_owned());

        let mut bytes = Vec::new();
        upload.archive(&mut bytes).expect("it is made");

        let mut archive = tar::Archive::new(bytes.as_slice());
        let found: Vec<(String, u64)> = archive
            .entries()
            .expect("an archive")
            .map(|entry| entry.expect("whole"))
            .map(|entry| (entry.path().expect("a path").display().to_string(), entry.size()))
            .collect();
        let expected = [("srv/link", 0), ("srv/small", 3), ("srv/large", 3 * BLOCK as u64)];
        assert_eq!(found, expected.map(|(path, size)| (path.to_owned(), size)));
    }

    #[test]
    fn a_file_that_is_gone_is_named() {
        let mut upload = Upload::default();
        upload.file("/srv/a".to_owned(), Content::File("/nonexistent/a".into()));
        let error = upload.archive(Vec::new()).expect_err("it is not there");
        assert_eq!(error.to_string(), "/nonexistent/a cannot be read");
    }
}
