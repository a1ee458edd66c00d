//! One package out of a source, as a source of its own: what a client is given that shall see nothing else.

use std::path::Path;

use super::source::{Format, Package, Source};
use super::tree::Tree;
use crate::Result;

impl Source {
    /// A source with `package` and nothing else, at its place in repo/packages whatever path it was read from.
    ///
    /// # Errors
    /// As [`Tree::of_folder`], of limits alone.
    pub fn alone(&self, package: &Package) -> Result<Source> {
        let mut tree = Tree::new(Path::new(&self.shown(&package.folder)));
        let letter: String = package.name.chars().take(1).flat_map(char::to_uppercase).collect();
        let folder = format!("repo/packages/{letter}/{}/", package.name);
        let mut alone = Package {
            letter: Some(letter),
            folder: folder.clone(),
            ..package.clone()
        };
        for revision in &mut alone.revisions {
            let own = format!("{folder}{}/", revision.number);
            for (name, bytes) in self.tree.files() {
                if let Some(name) = name.strip_prefix(revision.folder.as_str()) {
                    tree.add(format!("{own}{name}"), bytes.to_vec())?;
                }
            }
            revision.folder = own;
        }
        let version = match self.format {
            Format::One => br#"{"version": "1.0.0-rc1"}"#,
            Format::Two => br#"{"version": "2.0.0-rc2"}"#,
        };
        tree.add("repo/meta/version.json".to_owned(), version.to_vec())?;
        Ok(Source {
            tree,
            root: Some(String::new()),
            archived: false,
            format: self.format,
            packages: vec![alone],
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::package::{index, source};

    #[test]
    fn a_package_is_the_same_source_whatever_names_it() {
        let folder = crate::workspace::fixtures().join("packages/universe");
        let zip = |path: &str| {
            let sources = source::open(&folder.join(path)).expect("it is there");
            let package = sources[0].package("helloworld").expect("it is there");
            let alone = sources[0].alone(package).expect("it is small");
            assert_eq!(alone.packages.len(), 1);
            index::zip(&alone, "x").expect("it has what an index needs")
        };
        assert!(zip("") == zip("repo/packages/H/helloworld"), "the same bytes");
    }
}
