//! `fixtures/images/<name>/image.toml`: what an image is made of besides its folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::artefact::join;
use super::containers::PROXIES;
use crate::error::Context;
use crate::{Error, Kind, Result};

/// The file's name.
pub(super) const FILE: &str = "image.toml";

/// An image's own description.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Manifest {
    /// One line for people.
    pub(super) summary: String,
    /// The folder whose image this one starts from.
    pub(super) base: Option<String>,
    /// Where the very first image comes from, instead of `base`.
    pub(super) bootstrap: Option<Bootstrap>,
    /// Names of the artefact lock; `${ARG}` is replaced. They stand in the context as `artefacts/<file>`.
    #[serde(default)]
    pub(super) artefacts: Vec<String>,
    /// Crates of `fixtures/services/`, compiled on the host. They stand in the context as `bin/<service>`,
    /// those that are libraries too.
    #[serde(default)]
    pub(super) services: Vec<String>,
    /// True for an image that only helps to make others: no cluster runs it, no archive carries it.
    #[serde(default)]
    pub(super) build_only: bool,
    /// Build arguments and their defaults.
    #[serde(default)]
    pub(super) args: BTreeMap<String, String>,
    /// Of a user's own folder, which says nothing but what its `Dockerfile` says.
    #[serde(skip)]
    pub(super) own: bool,
}

/// A Debian root file system, pulled or bootstrapped.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bootstrap {
    /// As in `bookworm`.
    pub(super) suite: String,
    /// The reference to pull where an image registry answers.
    pub(super) registry: String,
    /// The version of its C library, as in `2.36`.
    pub(super) glibc: String,
}

/// The build arguments that the harness sets itself.
fn reserved() -> impl Iterator<Item = &'static str> {
    std::iter::once("BASE").chain(PROXIES)
}

impl Manifest {
    /// Of a user's own folder over the image `base`.
    pub(super) fn over(base: &str, folder: &Path) -> Self {
        Manifest {
            summary: format!("{} over {base}", folder.display()),
            base: Some(base.to_owned()),
            bootstrap: None,
            artefacts: Vec::new(),
            services: Vec::new(),
            build_only: false,
            args: BTreeMap::new(),
            own: true,
        }
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path)
            .context(Kind::Usage, || format!("{} cannot be read", path.display()))
            .map_err(|error| error.expected("every folder of fixtures/images has an image.toml"))?;
        Manifest::parse(&text, &path)
    }

    pub(super) fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::usage(format!("{}: {what}", path.display()));
        let manifest: Manifest = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if manifest.base.is_some() == manifest.bootstrap.is_some() {
            return Err(wrong(
                "an image has either the key base or the table [bootstrap]".to_owned(),
            ));
        }
        if let Some(reserved) = reserved().find(|name| manifest.args.contains_key(*name)) {
            return Err(wrong(format!("args.{reserved} is set by the harness itself")));
        }
        for name in &manifest.artefacts {
            substitute(name, &manifest.args).map_err(|unknown| {
                wrong(format!(
                    "artefacts: \"{name}\" uses ${{{unknown}}}, which is no argument"
                ))
                .expected(format!("one of {}", join(manifest.args.keys())))
            })?;
        }
        Ok(manifest)
    }

    /// The names that `base` and `services` give exist.
    pub(super) fn check_names(
        &self,
        path: &Path,
        images: &BTreeSet<String>,
        services: &BTreeSet<String>,
    ) -> Result<()> {
        let unknown = |key: &str, name: &str, allowed: &BTreeSet<String>| {
            Error::usage(format!(
                "{}: {key} names \"{name}\", which does not exist",
                path.display()
            ))
            .expected(format!("one of {}", join(allowed)))
        };
        if let Some(base) = self.base.as_ref().filter(|base| !images.contains(*base)) {
            return Err(unknown("base", base, images));
        }
        match self.services.iter().find(|service| !services.contains(*service)) {
            Some(service) => Err(unknown("services", service, services)),
            None => Ok(()),
        }
    }
}

/// Replaces each `${NAME}`. The error is the first name that `args` lacks.
pub(super) fn substitute(text: &str, args: &BTreeMap<String, String>) -> Result<String, String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or_else(|| after.to_owned())?;
        done.push_str(before);
        done.push_str(args.get(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    Ok(done + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest> {
        Manifest::parse(text, Path::new("images/mesos/image.toml"))
    }

    #[test]
    fn an_unknown_key_names_file_key_and_what_is_allowed() {
        let text = parse("summary = \"x\"\nbase = \"debian\"\nservice = []")
            .expect_err("no such key")
            .explain();
        for part in ["images/mesos/image.toml", "unknown field `service`", "`services`"] {
            assert!(text.contains(part), "{part} stands in {text}");
        }
    }

    #[test]
    fn an_argument_that_is_not_declared_is_named() {
        let text = parse("summary = \"x\"\nbase = \"debian\"\nartefacts = [\"egg-${VERSION}\"]\n[args]\nOTHER = \"1\"")
            .expect_err("no such argument")
            .explain();
        assert!(text.contains("${VERSION}") && text.contains("one of OTHER"), "{text}");
        let text = parse("summary = \"x\"\nbase = \"debian\"\n[args]\nBASE = \"1\"")
            .expect_err("reserved")
            .explain();
        assert!(text.contains("args.BASE"), "{text}");
    }

    #[test]
    fn base_and_bootstrap_exclude_each_other() {
        assert!(parse("summary = \"x\"").is_err());
    }

    #[test]
    fn names_that_do_not_exist_are_told_with_those_that_do() {
        let manifest = parse("summary = \"x\"\nbase = \"ubuntu\"").unwrap();
        let images = BTreeSet::from(["debian".to_owned(), "mesos".to_owned()]);
        let text = manifest
            .check_names(Path::new("image.toml"), &images, &BTreeSet::new())
            .expect_err("no ubuntu")
            .explain();
        assert!(
            text.contains("ubuntu") && text.contains("one of debian, mesos"),
            "{text}"
        );
    }

    #[test]
    fn arguments_are_substituted() {
        let args = BTreeMap::from([("V".to_owned(), "1.2".to_owned())]);
        assert_eq!(substitute("a-${V}-${V}", &args), Ok("a-1.2-1.2".to_owned()));
        assert_eq!(substitute("a-${W}", &args), Err("W".to_owned()));
    }
}
