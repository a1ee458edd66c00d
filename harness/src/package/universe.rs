//! What a cluster's Universe serves: archives of sources, and what their packages download, each under its own URL.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::artefacts::{Index, PackagedImage};
use super::source::Source;
use super::{index, source};
use crate::docker::Content;
use crate::{Error, Kind, Result};

/// The host that serves archives of sources.
pub const HOST: &str = "universe.example";

/// What is served. Built up, then given to [`ClusterBuilder::universe_of`](crate::cluster::ClusterBuilder::universe_of).
#[derive(Clone, Debug, Default)]
pub struct Universe {
    sources: Vec<String>,
    files: BTreeMap<(String, String), Content>,
    images: Vec<PackagedImage>,
}

/// The addresses of what is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The URLs of the archives, in the order that a client is configured with: a package is taken from the first that
    /// has it.
    pub sources: Vec<String>,
    /// Every host name that something is served under.
    pub hosts: BTreeSet<String>,
    /// The images that something is served from, and those that packages run: nodes that have a Docker from the start
    /// have them under their names.
    #[serde(default)]
    pub images: Vec<PackagedImage>,
}

impl Universe {
    /// The packages of this checkout, the multiverse before the universe as on the original VMs, and its artefacts.
    ///
    /// # Errors
    /// As [`Universe::source`] and [`Universe::artefacts`].
    pub fn ours() -> Result<Self> {
        let folder = crate::workspace::fixtures().join("packages");
        let mut universe = Universe::default();
        for name in ["multiverse", "universe"] {
            for source in source::open(&folder.join(name))? {
                universe = universe.source(name, &source)?;
            }
        }
        universe.artefacts(&Index::ours()?)
    }

    /// Adds a source behind those before it, as `http://universe.example/<name>.zip`.
    ///
    /// # Errors
    /// As [`index::zip`].
    pub fn source(self, name: &str, source: &Source) -> Result<Self> {
        let bytes = index::zip(source, name)?;
        Ok(self.archive(name, bytes))
    }

    /// As [`Universe::source`], of an archive as it is, whether a client takes it or not.
    #[must_use]
    pub fn archive(mut self, name: &str, bytes: impl Into<Content>) -> Self {
        let path = format!("/{name}.zip");
        self.sources.push(format!("http://{HOST}{path}"));
        self.files.insert((HOST.to_owned(), path), bytes.into());
        self
    }

    /// Adds everything that an artefact index has.
    ///
    /// # Errors
    /// [`Kind::Usage`] for a URL that is not plain HTTP on port 80; else as [`Index::content`].
    pub fn artefacts(mut self, index: &Index) -> Result<Self> {
        for artefact in index.iter() {
            self.files.insert(place(&artefact.url)?, index.content(artefact)?);
        }
        for image in index.images() {
            image.served.keys().try_for_each(|url| place(url).map(drop))?;
            self.images.push(image.clone());
        }
        Ok(self)
    }

    /// Adds one file under its URL.
    ///
    /// # Errors
    /// As [`Universe::artefacts`].
    pub fn file(mut self, url: &str, bytes: impl Into<Content>) -> Result<Self> {
        self.files.insert(place(url)?, bytes.into());
        Ok(self)
    }

    /// Where everything is.
    #[must_use]
    pub fn served(&self) -> Served {
        let of_images = self.images.iter().flat_map(|image| image.served.keys());
        let of_images = of_images.filter_map(|url| Some(place(url).ok()?.0));
        Served {
            sources: self.sources.clone(),
            hosts: self
                .files
                .keys()
                .map(|(host, _)| host.clone())
                .chain(of_images)
                .collect(),
            images: self.images.clone(),
        }
    }

    /// Host, path from its slash, and content of every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str, &Content)> {
        let files = self.files.iter();
        files.map(|((host, path), content)| (host.as_str(), path.as_str(), content))
    }
}

/// Host and path of a URL that the server can answer for.
pub(crate) fn place(url: &str) -> Result<(String, String)> {
    let wrong = |what: &str| {
        Error::new(Kind::Usage, format!("{url}: {what}"))
            .expected("http://HOST/PATH: a cluster's Universe has no TLS, and no port but 80")
    };
    let parsed = Url::parse(url).map_err(|error| wrong("it is no URL").caused_by(error))?;
    let host = parsed.host_str().unwrap_or_default();
    if parsed.scheme() != "http" || parsed.port().is_some() || host.is_empty() || parsed.path().ends_with('/') {
        return Err(wrong("it cannot be served in a cluster"));
    }
    Ok((host.to_owned(), parsed.path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_has_both_sources_and_what_they_download() {
        let universe = Universe::ours().expect("it is there");
        let served = universe.served();
        assert_eq!(
            served.sources,
            [
                "http://universe.example/multiverse.zip",
                "http://universe.example/universe.zip"
            ]
        );
        let hosts: Vec<&str> = served.hosts.iter().map(String::as_str).collect();
        assert_eq!(hosts, ["downloads.example", "universe.example"]);
        let is_there = |content: &Content| match content {
            Content::Bytes(bytes) => !bytes.is_empty(),
            Content::File(path) => path.is_file(),
        };
        assert!(
            universe
                .files()
                .all(|(_, path, content)| path.starts_with('/') && is_there(content))
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_its_url() {
        for url in [
            "https://a.example/b",
            "http://a.example:8080/b",
            "http://a.example/",
            "file:///etc/passwd",
            "x",
        ] {
            let error = Universe::default().file(url, "x").expect_err(url);
            assert!(error.to_string().starts_with(url), "{error}");
        }
        let universe = Universe::default()
            .file("http://a.example/../../etc/passwd", "x")
            .expect("it is a URL");
        assert_eq!(
            universe.files().next().map(|(_, path, _)| path),
            Some("/etc/passwd"),
            "a path below its host"
        );
    }
}
