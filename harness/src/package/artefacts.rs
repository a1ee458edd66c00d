//! The artefact index: what packages download, kept here, so that a cluster without a network has it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::universe::place;
use super::wheel;
use crate::component::universe;
use crate::docker::Content;
use crate::error::Context;
use crate::image::{ImageSpec, digest};
use crate::{Error, Kind, Result};

/// The index's name in `fixtures/packages/`.
pub const INDEX_FILE: &str = "artefacts.toml";

/// One file that packages download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// As packages name it.
    pub url: String,
    /// Where its bytes are, beside the index; or `wheel`. What comes out of an image is among its `served`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// A folder that is the content of a Python wheel, which is built of it: the same bytes each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheel: Option<PathBuf>,
    /// Of the bytes that are served, in lower-case hex.
    pub sha256: String,
}

impl Artefact {
    /// Why this is none.
    fn mistake(&self) -> Option<&'static str> {
        let hex = self.sha256.len() == 64 && self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (self.file.is_some() == self.wheel.is_some(), hex) {
            (true, _) => Some("needs either file or wheel"),
            (false, false) => Some("has a sha256 that is none"),
            (false, true) => None,
        }
    }
}

/// A container image that is made here, and that packages run or download files of: there may be no image registry, and
/// what is compiled here, or is of Debian's packages in part, has other bytes on each machine. What it is made of is
/// pinned where it is described, and its tag is the hash of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PackagedImage {
    /// As packages name it, and every node with a Docker of its own. None where packages only download of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder under `fixtures/images/` that it is made from.
    pub folder: String,
    /// Its build arguments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Files of it that packages download: by URL, the path in the image. In the server's own image (`universe`), that is
    /// where it serves them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub served: BTreeMap<String, String>,
    /// Files of it that lie on every slave: by their path there, the path in the image.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on_slaves: BTreeMap<String, String>,
}

impl PackagedImage {
    /// What it is built from.
    #[must_use]
    pub fn spec(&self) -> ImageSpec {
        ImageSpec {
            args: self.args.clone(),
            ..ImageSpec::new(&self.folder)
        }
    }

    /// As messages call it.
    fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.folder)
    }

    /// Why this is none, the rest of the index aside.
    fn mistake(&self) -> Option<String> {
        if self.name.is_none() && self.served.is_empty() {
            return Some("has no name to run it by, and nothing of it is served".to_owned());
        }
        let paths = self
            .served
            .values()
            .chain(self.on_slaves.keys())
            .chain(self.on_slaves.values());
        if let Some(path) = paths.into_iter().find(|path| !path.starts_with('/')) {
            return Some(format!("has the path {path}, which does not begin with a slash"));
        }
        if self.folder != universe::NAME {
            return None;
        }
        let elsewhere = |(url, path): (&String, &String)| {
            let (host, served) = place(url).ok()?;
            let there = format!("{}/{host}{served}", universe::ROOT);
            (there != *path).then(|| format!("has {path}, but serves {url} from {there}"))
        };
        self.served.iter().find_map(elsewhere)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    artefact: Vec<Artefact>,
    #[serde(default)]
    image: Vec<PackagedImage>,
}

/// All of them, by URL, and images.
#[derive(Clone, Debug, Default)]
pub struct Index {
    folder: PathBuf,
    artefacts: BTreeMap<String, Artefact>,
    images: Vec<PackagedImage>,
}

impl Index {
    /// That of this checkout.
    ///
    /// # Errors
    /// As [`Index::read`].
    pub fn ours() -> Result<Self> {
        Index::read(&crate::workspace::fixtures().join("packages").join(INDEX_FILE))
    }

    /// Reads an index file.
    ///
    /// # Errors
    /// [`Kind::Usage`] where it cannot be read or says nonsense.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).context(Kind::Usage, || format!("{shown} cannot be read"))?;
        let parsed: File = toml::from_str(&text).context(Kind::Usage, || format!("{shown} is no artefact index"))?;
        let mut artefacts = BTreeMap::new();
        for artefact in parsed.artefact {
            let url = artefact.url.clone();
            let wrong = |what: &str| Err(Error::usage(format!("{shown}: the artefact {url} {what}")));
            if let Some(mistake) = artefact.mistake() {
                return wrong(mistake);
            }
            if artefacts.insert(url.clone(), artefact).is_some() {
                return wrong("stands there twice");
            }
        }
        let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let mut index = Index {
            folder,
            artefacts,
            images: Vec::new(),
        };
        for image in parsed.image {
            let wrong = |what: String| Err(Error::usage(format!("{shown}: the image {} {what}", image.called())));
            if image.name.as_deref().is_some_and(|name| index.image(name).is_some()) {
                return wrong("stands there twice".to_owned());
            }
            if let Some(mistake) = image.mistake() {
                return wrong(mistake);
            }
            if let Some(url) = image.served.keys().find(|url| index.has(url)) {
                return wrong(format!("has {url}, which stands there already"));
            }
            index.images.push(image);
        }
        Ok(index)
    }

    /// The artefact of a URL; what stands behind a `#` is the client's business.
    #[must_use]
    pub fn get(&self, url: &str) -> Option<&Artefact> {
        self.artefacts.get(url.split('#').next().unwrap_or(url))
    }

    /// Whether what a package names by this URL can be had here.
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        let plain = url.split('#').next().unwrap_or(url);
        self.get(url).is_some() || self.images.iter().any(|image| image.served.contains_key(plain))
    }

    /// Every image.
    #[must_use]
    pub fn images(&self) -> &[PackagedImage] {
        &self.images
    }

    /// The image that packages call `name`.
    #[must_use]
    pub fn image(&self, name: &str) -> Option<&PackagedImage> {
        self.images.iter().find(|image| image.name.as_deref() == Some(name))
    }

    /// Every artefact, by URL.
    pub fn iter(&self) -> impl Iterator<Item = &Artefact> {
        self.artefacts.values()
    }

    /// What is served for it: the file itself, whose size has no limit, or the wheel.
    ///
    /// # Errors
    /// [`Kind::Usage`] where its file cannot be read; [`Kind::Package`] where it is not what the index pins.
    pub fn content(&self, artefact: &Artefact) -> Result<Content> {
        let (content, got) = match (&artefact.file, &artefact.wheel) {
            (Some(file), _) => {
                let path = self.folder.join(file);
                let reading = || format!("{} cannot be read", path.display());
                let (_, sum) = digest::of_file(&path).context(Kind::Usage, reading)?;
                (Content::File(path), sum)
            }
            (None, Some(wheel)) => {
                let bytes = wheel::build(&self.folder.join(wheel))?;
                let sum = digest::of_bytes(&bytes);
                (Content::Bytes(bytes), sum)
            }
            (None, None) => return Err(Error::internal(format!("{} has no content", artefact.url))),
        };
        if got == artefact.sha256 {
            return Ok(content);
        }
        let changed = format!("{} is not what {INDEX_FILE} pins: got sha256 {got}", artefact.url);
        Err(Error::new(Kind::Package, changed).expected(format!("sha256 {}", artefact.sha256)))
    }
}
