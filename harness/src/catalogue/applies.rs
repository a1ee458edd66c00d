//! Requirements that stand for some versions of their component only.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::Requirement;
use crate::component::Service;
use crate::stack::{self, Source, Stack};

/// For which versions a requirement stands, and why it does not for the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applies {
    /// As in `>=1.10` or `>=1.8,<1.12`, in Cargo's notation.
    pub versions: VersionReq,
    /// One sentence, with what it follows from.
    pub why: String,
}

/// The versions of the components that are judged. One that comes as the user's own image has none that is known here,
/// and every requirement is held against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions(BTreeMap<String, Version>);

impl Versions {
    /// What the stack says.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        let known = stack.components().filter_map(|(name, spec)| match &spec.source {
            // Every version that the stack file lets through is one of ours, and well-formed.
            Source::Version(version) | Source::Build { version, .. } => {
                Some((name.to_owned(), Version::parse(version).ok()?))
            }
            Source::Image(_) | Source::Ours(_) => None,
        });
        Versions(known.collect())
    }

    /// Why `requirement` does not stand for these versions; `None` where it does.
    #[must_use]
    pub fn exclude(&self, requirement: &Requirement) -> Option<String> {
        let applies = requirement.applies.as_ref()?;
        let component = requirement.id.component();
        let (name, version) = self
            .0
            .iter()
            .find(|(name, version)| belongs(name, component) && !applies.versions.matches(version))?;
        let Applies { versions, why } = applies;
        Some(format!("{name} is {version}, it applies to {versions}: {why}"))
    }
}

/// True where a stack gives `component` of the catalogue a version.
pub(super) fn has_version(component: &str) -> bool {
    stack::component_names()
        .into_iter()
        .any(|name| belongs(name, component))
}

/// `mesos-master` and `mesos-agent` are the catalogue's `mesos`; `mesos-dns` is a component of its own there, as every
/// service is.
fn belongs(name: &str, component: &str) -> bool {
    let is_part = |rest: &str| rest.starts_with('-') && Service::named(name).is_none();
    name.strip_prefix(component)
        .is_some_and(|rest| rest.is_empty() || is_part(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::problems::tests::requirement;

    fn reason(stack: &str, versions: &str) -> Option<String> {
        let stack = Stack::parse("mine.toml", stack).expect("a good stack file");
        let mut requirement = requirement("mesos.agent.deactivates");
        requirement.applies = Some(Applies {
            versions: versions.parse().expect("a good range"),
            why: "The call came with 1.11.".to_owned(),
        });
        Versions::of(&stack).exclude(&requirement)
    }

    #[test]
    fn one_component_of_another_version_is_enough() {
        let old_agent = "[component.mesos-agent]\nversion = \"1.9.0\"\n";
        assert_eq!(
            reason(old_agent, ">=1.11").as_deref(),
            Some("mesos-agent is 1.9.0, it applies to >=1.11: The call came with 1.11.")
        );
        assert_eq!(reason(old_agent, ">=1.9,<1.12"), None);
        assert_eq!(reason("", ">=1.11"), None);
        assert!(reason("", "<1.11").is_some_and(|reason| reason.starts_with("mesos-agent is 1.11.0")));
    }

    #[test]
    fn an_image_of_the_users_is_held_to_everything() {
        let both = "[component.mesos-agent]\nimage = \"a\"\n[component.mesos-master]\nimage = \"b\"\n";
        assert_eq!(reason(both, "<1.9"), None);
        assert!(belongs("mesos-dns", "mesos-dns") && !belongs("mesos-dns", "mesos"));
        assert!(has_version("mesos") && has_version("zookeeper") && !has_version("node") && !has_version("meso"));
    }
}
