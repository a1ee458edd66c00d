//! Reads the catalogue, and says of a mistake in it which file, which line and which values are allowed.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Catalogue, Requirement};
use crate::error::Context;
use crate::{Error, Kind, Result, workspace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "requirement")]
    requirements: Vec<Requirement>,
}

impl Catalogue {
    /// Reads every `*.toml` of a folder.
    ///
    /// # Errors
    /// [`Kind::Usage`] naming the file, the line, the key and the values it may have; or that a folder holds none.
    pub fn load(folder: &Path) -> Result<Self> {
        let unreadable = || format!("cannot read the requirement catalogue {}", folder.display());
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .context(Kind::Usage, unreadable)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
            .collect();
        files.sort();
        let mut requirements = Vec::new();
        for path in &files {
            let text =
                std::fs::read_to_string(path).context(Kind::Usage, || format!("cannot read {}", path.display()))?;
            requirements.extend(parse(path, &text)?);
        }
        if requirements.is_empty() {
            let summary = format!("the requirement catalogue {} is empty", folder.display());
            return Err(Error::usage(summary).expected("at least one *.toml with a [[requirement]]"));
        }
        requirements.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Catalogue { requirements })
    }

    /// The workspace's own catalogue, read once in a process.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    pub fn of_workspace() -> Result<&'static Self> {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        if let Some(catalogue) = CATALOGUE.get() {
            return Ok(catalogue);
        }
        let catalogue = Catalogue::load(&workspace::checkout().join("scenarios/requirements"))?;
        Ok(CATALOGUE.get_or_init(|| catalogue))
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Requirement>> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The parser's own text shows the line and names the key or the values that are allowed.
        Error::usage(format!("{} is no requirement catalogue", path.display()))
            .expected("[[requirement]] records, as harness/src/catalogue/mod.rs describes them")
            .evidence(error.to_string())
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match file
        .requirements
        .iter()
        .find(|requirement| requirement.id.component() != stem)
    {
        None => Ok(file.requirements),
        Some(stray) => Err(Error::usage(format!("{} holds {}", path.display(), stray.id))
            .expected(format!("ids of component {stem:?} only: one file for each component"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[requirement]]
        id = "mesos.agent.started-slave-joins"
        level = "must"
        profile = "mesos"
        class = "functional"
        confidence = "deterministic"
        channel = "stable"
        since = "0.1.0"
        statement = "A started slave MUST join the cluster."
        sources = [{ project = "mesos", ref = "1.11.0", path = "docs/agent.md" }]
    "#;

    fn load(text: &str) -> Result<Catalogue> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("mesos.toml"), text).expect("it is written");
        Catalogue::load(folder.path())
    }

    #[test]
    fn a_record_is_read() {
        let catalogue = load(GOOD).expect("it is good");
        assert_eq!(catalogue.requirements[0].sources[0].reference, "1.11.0");
    }

    #[test]
    fn a_mistake_names_file_key_and_allowed_values() {
        for (from, to, parts) in [
            (
                "level = \"must\"",
                "level = \"shall\"",
                &["mesos.toml", "`must`", "`should`", "`may`"][..],
            ),
            ("since", "sinse", &["mesos.toml", "sinse", "`since`", "`statement`"]),
            ("started-slave-joins", "Joins", &["mesos.toml", "lower kebab-case"]),
            ("mesos.agent", "node.agent", &["mesos.toml", "node.agent", "\"mesos\""]),
            (
                "statement = \"A started slave MUST join the cluster.\"",
                "",
                &["mesos.toml", "statement"],
            ),
        ] {
            let text = load(&GOOD.replace(from, to)).expect_err(to).explain();
            for part in parts {
                assert!(text.contains(part), "{part} stands in {text}");
            }
        }
    }

    #[test]
    fn an_empty_or_absent_catalogue_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(Catalogue::load(folder.path()).is_err());
        assert!(Catalogue::load(&folder.path().join("absent")).is_err());
    }
}
