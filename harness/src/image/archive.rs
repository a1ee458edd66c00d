//! One file that carries every current image to a machine without any image registry.
//!
//! It is what `docker save` writes with one entry before: what the archive holds, made from what. `docker load` takes it
//! too; only the checks are ours then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bollard::query_parameters::ImportImageOptionsBuilder;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;

use super::artefact::Artefact;
use super::containers::body;
use super::{ImageSpec, Images, State, cache};
use crate::await_until::Wait;
use crate::error::Context;
use crate::progress::Progress;
use crate::{Error, Kind, Result, deadlines, labels};

/// The name of our entry, the first.
const ENTRY: &str = "mesos-harness.json";
const FORMAT: u32 = 1;
/// A tar archive is made of blocks of this size, and ends in two of zeros.
const BLOCK: u64 = 512;

/// What an archive holds.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    format: u32,
    harness: String,
    images: Vec<Held>,
    /// The pinned files that the images were made from.
    artefacts: Vec<Artefact>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    name: String,
    args: BTreeMap<String, String>,
    reference: String,
    content: String,
    sources: String,
}

/// What [`Images::save`] wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saved {
    /// The references in the archive.
    pub images: Vec<String>,
    /// Bytes.
    pub size: u64,
}

/// What [`Images::load`] brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// The references, as this machine's sources have them.
    pub images: Vec<String>,
}

impl Images {
    /// Writes every current image into `file`, which appears only when it is whole.
    ///
    /// # Errors
    /// [`Kind::Image`] where a known image is not built, [`Kind::Environment`] where the file cannot be written.
    pub async fn save(&self, file: &Path) -> Result<Saved> {
        let contents = self.contents().await?;
        let references: Vec<String> = contents.images.iter().map(|image| image.reference.clone()).collect();
        let writing = || format!("{} cannot be written", file.display());
        let folder = file
            .parent()
            .filter(|folder| *folder != Path::new(""))
            .unwrap_or(Path::new("."));
        // For anyone to read, as far as the umask lets: an archive is made to be copied elsewhere.
        let scratch = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .context(Kind::Environment, writing)?;
        let mut out = scratch.reopen().context(Kind::Environment, writing)?;
        write_entry(&contents, &mut out).context(Kind::Environment, writing)?;

        let progress = Progress::bytes("save", None);
        let names: Vec<&str> = references.iter().map(String::as_str).collect();
        let mut stream = self.engine.docker().export_images(&names);
        let mut out = tokio::fs::File::from_std(out);
        let mut size = 0;
        let save = async {
            while let Some(block) = stream.next().await {
                let block = block.context(Kind::Environment, || "the engine broke off `docker save`".to_owned())?;
                out.write_all(&block).await.context(Kind::Environment, writing)?;
                size += block.len() as u64;
                progress.at(size);
            }
            out.sync_all().await.context(Kind::Environment, writing)
        };
        Wait::that("the images are saved", deadlines::IMAGE_BUILD)
            .blaming(Kind::Image)
            .for_future(save)
            .await?;
        let size = out.metadata().await.context(Kind::Environment, writing)?.len();
        cache::persist(scratch, file)?;
        progress.done(&format!("wrote {} images to {}", references.len(), file.display()));
        Ok(Saved {
            images: references,
            size,
        })
    }

    async fn contents(&self) -> Result<Contents> {
        let build_only: BTreeSet<String> = self
            .catalogue
            .specs()
            .filter(|(_, manifest)| manifest.build_only)
            .map(|(spec, _)| spec.name)
            .collect();
        let (mut images, mut artefacts, mut missing) = (Vec::new(), BTreeMap::new(), Vec::new());
        for listed in self
            .list()
            .await?
            .into_iter()
            .filter(|listed| !build_only.contains(&listed.name))
        {
            match listed.state {
                State::Own | State::Stale | State::Cache => {}
                State::Missing => missing.push(listed.reference),
                State::Current => {
                    let spec = ImageSpec {
                        name: listed.name,
                        args: listed.args,
                        over: None,
                    };
                    let image = self.catalogue.resolve(&spec)?;
                    for artefact in &image.artefacts {
                        artefacts.insert(artefact.name.clone(), artefact.clone());
                    }
                    images.push(Held {
                        reference: image.reference(),
                        name: image.name,
                        args: image.args,
                        content: image.content,
                        sources: image.sources,
                    });
                }
            }
        }
        if !missing.is_empty() {
            return Err(
                Error::new(Kind::Image, format!("there is no {} to save", missing.join(" and no ")))
                    .hint("build them first: `harness images build`"),
            );
        }
        Ok(Contents {
            format: FORMAT,
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            images,
            artefacts: artefacts.into_values().collect(),
        })
    }

    /// Brings the images of an archive that [`Images::save`] wrote.
    ///
    /// Images made from the same sources get this machine's tags, also where its certificates are others.
    ///
    /// # Errors
    /// [`Kind::Image`] for a file that is truncated, or not such an archive, or made from other sources than these.
    pub async fn load(&self, file: &Path) -> Result<Loaded> {
        let (contents, archive, size) = open(file)?;
        let progress = Progress::bytes("load", Some(size));
        progress.detail(&format!("{} images", contents.images.len()));
        self.import_archive(archive, file, &progress).await?;
        let (mut images, mut others) = (Vec::new(), Vec::new());
        for held in &contents.images {
            match self.adopt(held).await? {
                Some(reference) => images.push(reference),
                None => others.push(held.reference.clone()),
            }
        }
        if !others.is_empty() {
            return Err(Error::new(
                Kind::Image,
                format!("{} was made from other sources: {}", file.display(), others.join(", ")),
            )
            .expected("an archive saved at the commit that is checked out here")
            .hint("`harness images prune` removes what was loaded in vain"));
        }
        progress.done(&format!("loaded {} images", images.len()));
        Ok(Loaded { images })
    }

    async fn import_archive(&self, archive: File, file: &Path, progress: &Progress) -> Result<()> {
        let refused = || format!("the engine refuses {}", file.display());
        let (sent, mut position) = tokio::sync::watch::channel(0);
        let archive = body(archive, move |bytes| {
            sent.send_replace(bytes);
        });
        let options = ImportImageOptionsBuilder::default().build();
        let mut stream = self.engine.docker().import_image_stream(options, archive, None);
        let import = async {
            loop {
                tokio::select! {
                    Ok(()) = position.changed() => progress.at(*position.borrow_and_update()),
                    next = stream.next() => match next {
                        Some(info) => drop(info.context(Kind::Image, refused)?),
                        None => return Ok(()),
                    },
                }
            }
        };
        Wait::that("the images are loaded", deadlines::IMAGE_BUILD)
            .blaming(Kind::Image)
            .for_future(import)
            .await
            .map_err(|error| error.ran(format!("docker load --input '{}'", file.display())))
    }

    /// The reference that a loaded image has here; none where these sources make another one.
    async fn adopt(&self, held: &Held) -> Result<Option<String>> {
        let found = self.inspect(&held.reference).await?;
        let labels = found.and_then(|found| found.config?.labels).unwrap_or_default();
        if labels.get(labels::CONTENT) != Some(&held.content) {
            return Err(Error::new(Kind::Image, format!("{} did not arrive", held.reference))
                .expected(format!("an image with the label {}={}", labels::CONTENT, held.content))
                .ran(format!("docker image inspect {}", held.reference)));
        }
        let spec = ImageSpec {
            name: held.name.clone(),
            args: held.args.clone(),
            over: None,
        };
        let Some(here) = self
            .catalogue
            .resolve(&spec)
            .ok()
            .filter(|here| here.sources == held.sources)
        else {
            return Ok(None);
        };
        let reference = here.reference();
        if reference != held.reference {
            self.alias(&held.reference, &reference).await?;
            self.remove(&held.reference).await?;
        }
        Ok(Some(reference))
    }
}

fn write_entry(contents: &Contents, out: &mut File) -> std::io::Result<()> {
    let text = serde_json::to_vec_pretty(contents)?;
    let mut header = tar::Header::new_gnu();
    header.set_path(ENTRY)?;
    header.set_mode(0o644);
    header.set_mtime(labels::now());
    header.set_size(text.len() as u64);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(&text)?;
    let padding = (text.len() as u64).next_multiple_of(BLOCK) - text.len() as u64;
    out.write_all(&vec![0; usize::try_from(padding).unwrap_or(0)])
}

/// Reads our entry, checks that the archive is whole, and leaves it at where the engine's part begins.
fn open(path: &Path) -> Result<(Contents, File, u64)> {
    let reading = || format!("{} cannot be read", path.display());
    let mut file = File::open(path).context(Kind::Usage, reading)?;
    let size = file.metadata().context(Kind::Usage, reading)?.len();
    let contents = first(&mut file).ok_or_else(|| {
        Error::new(
            Kind::Image,
            format!("{} is no archive of images of this harness", path.display()),
        )
        .expected(format!(
            "a file written by `harness images save`: a tar archive that begins with {ENTRY}"
        ))
        .ran(format!("tar -tf '{}'", path.display()))
    })?;
    let (contents, start) = contents;
    if contents.format != FORMAT {
        return Err(Error::new(
            Kind::Image,
            format!(
                "{} has format {}: harness {} wrote it",
                path.display(),
                contents.format,
                contents.harness
            ),
        )
        .expected(format!("format {FORMAT}")));
    }
    if !is_whole(&mut file, size).context(Kind::Image, reading)? {
        return Err(Error::new(
            Kind::Image,
            format!("{} is truncated: it has {size} bytes", path.display()),
        )
        .expected("a tar archive with its end")
        .ran(format!("tar -tf '{}'", path.display()))
        .hint("copy it again; `harness images save` writes it anew"));
    }
    file.seek(SeekFrom::Start(start)).context(Kind::Image, reading)?;
    Ok((contents, file, size - start))
}

/// Our entry and where the next one begins.
fn first(file: &mut File) -> Option<(Contents, u64)> {
    let mut archive = tar::Archive::new(file);
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    if entry.path().ok()?.to_str() != Some(ENTRY) {
        return None;
    }
    let end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
    let mut text = String::new();
    entry.read_to_string(&mut text).ok()?;
    Some((serde_json::from_str(&text).ok()?, end))
}

/// Whether every entry is there, and the two blocks that end an archive.
fn is_whole(file: &mut File, size: u64) -> std::io::Result<bool> {
    file.rewind()?;
    let mut end = 0;
    for entry in tar::Archive::new(&mut *file).entries_with_seek()? {
        let Ok(entry) = entry else { return Ok(false) };
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
    }
    Ok(size >= end + 2 * BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("images.tar");
        let contents = Contents {
            format: FORMAT,
            harness: "0.1.0".to_owned(),
            images: Vec::new(),
            artefacts: Vec::new(),
        };
        let mut file = File::create(&path).unwrap();
        write_entry(&contents, &mut file).unwrap();
        let mut rest = tar::Builder::new(file);
        let mut header = tar::Header::new_gnu();
        header.set_size(3000);
        rest.append_data(&mut header, "manifest.json", std::io::repeat(b'x').take(3000))
            .unwrap();
        rest.finish().unwrap();
        path
    }

    #[test]
    fn the_engine_gets_what_follows_our_entry() {
        let dir = tempfile::tempdir().unwrap();
        let (_, rest, _) = open(&archive(dir.path())).unwrap();
        let mut archive = tar::Archive::new(rest);
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().into_owned())
            .collect();
        assert_eq!(names, [Path::new("manifest.json")]);
    }

    #[test]
    fn a_truncated_archive_is_called_so_wherever_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = archive(dir.path());
        let whole = std::fs::metadata(&path).unwrap().len();
        for length in [whole - 1, whole - 512, whole - 1024, whole - 2000, 2048, 1500] {
            std::fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(length)
                .unwrap();
            let error = open(&path).expect_err("it is cut off");
            assert!(error.to_string().contains("truncated"), "{length}: {error}");
        }
    }

    #[test]
    fn a_foreign_archive_is_called_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("foreign.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        builder.append_data(&mut header, "manifest.json", &b"[]"[..]).unwrap();
        builder.finish().unwrap();
        for text in [None, Some("not a tar archive"), Some("")] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let error = open(&path).expect_err("it is foreign");
            assert!(error.to_string().contains("no archive of images"), "{text:?}: {error}");
        }
    }
}
