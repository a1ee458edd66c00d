//! Reads the catalogue, and says of a mistake in it which file, which line and which values are allowed.

use std::ffi::OsStr;
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
    /// Reads every `<component>.toml` and `<component>/<area>.toml` of a folder.
    ///
    /// # Errors
    /// [`Kind::Usage`] naming the file, the line, the key and the values it may have; or that a folder holds none.
    pub fn load(folder: &Path) -> Result<Self> {
        let files = files(folder)?;
        let mut requirements = Vec::new();
        for (component, path) in &files {
            let text =
                std::fs::read_to_string(path).context(Kind::Usage, || format!("cannot read {}", path.display()))?;
            requirements.extend(parse(component, path, &text)?);
        }
        if requirements.is_empty() {
            let summary = format!("the requirement catalogue {} is empty", folder.display());
            return Err(Error::usage(summary)
                .expected("at least one <component>.toml or <component>/<area>.toml with a [[requirement]]"));
        }
        requirements.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Catalogue { requirements })
    }

    /// The workspace's own catalogue ([`workspace::requirements`]), read once in a process.
    ///
    /// # Errors
    /// As [`Catalogue::load`].
    pub fn of_workspace() -> Result<&'static Self> {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        if let Some(catalogue) = CATALOGUE.get() {
            return Ok(catalogue);
        }
        let catalogue = Catalogue::load(&workspace::requirements())?;
        Ok(CATALOGUE.get_or_init(|| catalogue))
    }
}

/// The catalogue's files, each with the component it is for.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            let component = name(path.file_name());
            files.extend(entries(&path)?.into_iter().map(|path| (component.clone(), path)));
        } else {
            files.push((name(path.file_stem()), path));
        }
    }
    files.retain(|(_, path)| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .context(Kind::Usage, || {
            format!("cannot read the requirement catalogue {}", folder.display())
        })
}

fn name(part: Option<&OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}

fn parse(component: &str, path: &Path, text: &str) -> Result<Vec<Requirement>> {
    let file: File = toml::from_str(text).map_err(|error| {
        // The parser's own text shows the line and names the key or the values that are allowed.
        Error::usage(format!("{} is no requirement catalogue", path.display()))
            .expected("[[requirement]] records, as harness/src/catalogue/mod.rs describes them")
            .evidence(error.to_string())
    })?;
    match file
        .requirements
        .iter()
        .find(|requirement| requirement.id.component() != component)
    {
        None => Ok(file.requirements),
        Some(stray) => Err(
            Error::usage(format!("{} holds {}", path.display(), stray.id)).expected(format!(
                "ids of component {component:?} only, as the file or its folder is called"
            )),
        ),
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
    fn a_component_of_many_areas_has_a_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("mesos")).expect("it is made");
        let file = folder.path().join("mesos/agent.toml");
        std::fs::write(&file, GOOD).expect("it is written");
        assert_eq!(
            Catalogue::load(folder.path()).expect("it is good").requirements.len(),
            1
        );

        std::fs::write(&file, GOOD.replace("mesos.agent", "node.agent")).expect("it is written");
        let text = Catalogue::load(folder.path()).expect_err("a stray id").explain();
        assert!(
            text.contains("mesos/agent.toml") && text.contains("node.agent"),
            "{text}"
        );
    }

    #[test]
    fn an_empty_or_absent_catalogue_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(Catalogue::load(folder.path()).is_err());
        assert!(Catalogue::load(&folder.path().join("absent")).is_err());
    }
}
