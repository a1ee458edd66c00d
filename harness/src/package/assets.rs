//! Everything that a package downloads: where it stands, and whether it can be had here.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use super::artefacts::Index;
use super::finding::Position;
use super::json::Document;
use super::reference;
use super::render::Files;
use super::universe::place as servable;

/// What an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AssetKind {
    /// A URI that the fetcher brings into the sandbox.
    Uri,
    /// A container image.
    Image,
    /// A line of command.json for pip.
    Requirement,
    /// A picture for people who look at packages.
    Picture,
}

/// One thing that is downloaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Asset {
    /// What it is.
    pub kind: AssetKind,
    /// As it is named: a URL, an image reference, a requirement line.
    pub reference: String,
    /// The file that names it.
    pub file: String,
    /// Where it stands there, if it stands there in one piece.
    pub position: Option<Position>,
    /// The option that brings it, as `kafka.debug = true`; null where it comes with the defaults.
    pub option: Option<String>,
    /// Whether it can be had without a network: the artefact index has it, and a cluster can serve it.
    pub offline: bool,
    /// Why no cluster can serve it under this URL, whatever the index has.
    pub unservable: Option<String>,
    /// Whether a hash pins it.
    pub pinned: bool,
    /// Why it could be another one tomorrow.
    pub latest: Option<String>,
    /// Why it is no reference of its kind.
    pub malformed: Option<String>,
}

/// What rendered apps and command.json name: of each, the first option that brought it, none for the defaults.
#[derive(Clone, Debug, Default)]
pub struct Named(BTreeMap<(AssetKind, String), Option<String>>);

impl Named {
    /// Adds what an app and a command.json name. What is there already keeps its option.
    pub fn add(&mut self, app: Option<&Value>, command: Option<&Value>, option: Option<&str>) {
        let mut add = |kind, reference: &str| {
            let entry = self.0.entry((kind, reference.to_owned()));
            entry.or_insert_with(|| option.map(str::to_owned));
        };
        if let Some(app) = app {
            let uris = texts(&app["uris"]).chain(texts(&app["storeUrls"]));
            uris.for_each(|uri| add(AssetKind::Uri, uri));
            let fetched = app["fetch"].as_array().into_iter().flatten();
            fetched
                .filter_map(|fetch| fetch["uri"].as_str())
                .for_each(|uri| add(AssetKind::Uri, uri));
            if let Some(image) = app.pointer("/container/docker/image").and_then(Value::as_str) {
                add(AssetKind::Image, image);
            }
        }
        let requirements = command.map(|command| texts(&command["pip"])).into_iter().flatten();
        requirements.for_each(|line| add(AssetKind::Requirement, line));
    }
}

/// All assets of a revision, by kind and reference: those `named` by what it renders to, and those of its other files.
#[must_use]
pub fn assets(files: &Files, named: &Named, index: &Index) -> Vec<Asset> {
    let mut all = named.clone().0;
    let mut add = |kind, reference: &str| {
        all.insert((kind, reference.to_owned()), None);
    };
    let resource = files.resource.as_ref().map(|resource| &resource.value);
    if let Some(resource) = resource {
        each_text(&resource["assets"]["uris"], &mut |uri| add(AssetKind::Uri, uri));
        each_text(&resource["assets"]["container"]["docker"], &mut |image| {
            add(AssetKind::Image, image)
        });
        each_text(&resource["images"], &mut |url| add(AssetKind::Picture, url));
    }
    if let Some(package) = &files.package {
        each_text(&package.value["images"], &mut |url| add(AssetKind::Picture, url));
    }
    let of = |((kind, reference), option): (&(AssetKind, String), &Option<String>)| {
        let mut asset = asset(files, *kind, reference, index);
        asset.option.clone_from(option);
        asset
    };
    all.iter().map(of).collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn each_text(value: &Value, each: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, each)),
        Value::Object(map) => map.values().for_each(|item| each_text(item, each)),
        _ => {}
    }
}

fn asset(files: &Files, kind: AssetKind, reference: &str, index: &Index) -> Asset {
    let (file, position) = place(files, reference);
    let known = match kind {
        AssetKind::Image => index.image(reference).is_some(),
        _ => index.has(reference),
    };
    let (pinned, latest, malformed) = match kind {
        AssetKind::Image => image(reference),
        AssetKind::Requirement if !reference.contains("://") => requirement(reference),
        AssetKind::Uri | AssetKind::Picture | AssetKind::Requirement => url(reference),
    };
    let unservable = match (kind, reference.contains("://")) {
        (AssetKind::Image, _) | (AssetKind::Requirement, false) => None,
        _ => servable(reference.split('#').next().unwrap_or(reference)).err(),
    };
    Asset {
        kind,
        reference: reference.to_owned(),
        file,
        position,
        option: None,
        offline: known && unservable.is_none(),
        unservable: unservable.map(|error| error.to_string()),
        pinned: known || pinned,
        latest,
        malformed,
    }
}

/// The first file that has the reference in one piece; else the template, of whose parts it is made.
fn place(files: &Files, reference: &str) -> (String, Option<Position>) {
    let template = |(file, template): &(String, super::mustache::Template)| {
        let offset = template.text.find(reference)?;
        Some((file.clone(), Some(Position::of(&template.text, offset))))
    };
    let document = |document: &Document| Some((document.file.clone(), Some(document.find(reference)?)));
    let found = files.marathon.as_ref().and_then(template);
    let found = found.or_else(|| files.config.as_ref().and_then(document));
    let found = found.or_else(|| files.resource.as_ref().and_then(document));
    let found = found.or_else(|| files.command.as_ref().and_then(document));
    let found = found.or_else(|| files.package.as_ref().and_then(document));
    let whole = files.marathon.as_ref().or(files.command_template.as_ref());
    found.unwrap_or_else(|| {
        (
            whole.map_or_else(|| files.folder.clone(), |(file, _)| file.clone()),
            None,
        )
    })
}

/// Whether it is pinned, why it is the latest, why it is none.
type Judged = (bool, Option<String>, Option<String>);

fn image(reference: &str) -> Judged {
    let malformed = reference::mistake(reference);
    if reference.contains('@') {
        return (malformed.is_none(), None, malformed);
    }
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let latest = match name.split_once(':') {
        None => Some("it has no tag, which means latest".to_owned()),
        Some((_, "latest")) => Some("its tag is latest".to_owned()),
        Some((_, _)) => None,
    };
    (false, latest, malformed)
}

fn url(reference: &str) -> Judged {
    let url = match Url::parse(reference) {
        Ok(url) => url,
        Err(_) if Path::new(reference).is_absolute() => return (false, None, None),
        Err(error) => return (false, None, Some(error.to_string())),
    };
    let hosted = matches!(url.scheme(), "http" | "https" | "ftp");
    let malformed = if reference.contains(char::is_whitespace) {
        Some("a URL has no blanks".to_owned())
    } else if hosted && url.host_str().is_none_or(str::is_empty) {
        Some("it has no host".to_owned())
    } else {
        None
    };
    let mut words = url.path().split(|c: char| !c.is_ascii_alphanumeric());
    let latest = words
        .find(|word| ["latest", "master", "head", "nightly", "snapshot"].contains(&word.to_ascii_lowercase().as_str()))
        .map(|word| format!("`{word}` in a URL is whatever is newest"));
    let pinned = url.fragment().is_some_and(|fragment| fragment.starts_with("sha256="));
    (pinned, latest, malformed)
}

fn requirement(line: &str) -> Judged {
    let name = line
        .split(['=', '<', '>', '!', '~', '[', ';', ' ', '@'])
        .next()
        .unwrap_or_default();
    let part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let malformed = (name.is_empty() || !name.chars().all(part)).then(|| "it begins with no package's name".to_owned());
    let exact = line
        .split_once("==")
        .is_some_and(|(_, version)| !version.trim().is_empty() && !version.contains('*'));
    let latest = (!exact).then(|| "without `==` it is the newest that fits".to_owned());
    (line.contains("--hash=sha256:"), latest, malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_tag_are_the_latest() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        assert_eq!(image(&digest), (true, None, None));
        for pinned_by_tag in ["mesosphere/spark:1.6.0", "registry.example:5000/a/b:1", "python:3.4"] {
            assert_eq!(image(pinned_by_tag), (false, None, None), "{pinned_by_tag}");
        }
        for latest in ["python", "python:latest", "registry.example:5000/a/b"] {
            assert!(image(latest).1.is_some(), "{latest}");
        }
        for malformed in ["", "py thon:1", "Python", "a@sha256:12"] {
            assert!(image(malformed).2.is_some(), "{malformed}");
        }
    }

    #[test]
    fn urls_and_requirements_are_told_apart_from_nonsense() {
        assert_eq!(url("http://a.example/b-1.2.tgz"), (false, None, None));
        assert_eq!(url("http://a.example/b.whl#sha256=00"), (true, None, None));
        assert_eq!(url("/opt/b.tgz"), (false, None, None));
        for latest in [
            "https://a.example/latest/b",
            "http://a.example/b/archive/master.zip",
            "http://a.example/b-SNAPSHOT.jar",
        ] {
            assert!(url(latest).1.is_some(), "{latest}");
        }
        for malformed in ["b.tgz", "http://", "http://a.example/a b", ""] {
            assert!(url(malformed).2.is_some(), "{malformed:?}");
        }
        assert_eq!(requirement("dcos-kafka==0.2.0"), (false, None, None));
        assert!(requirement("dcos-kafka>=0.2").1.is_some());
        assert!(requirement("dcos-kafka==0.*").1.is_some());
        assert!(requirement("==1").2.is_some());
    }
}
