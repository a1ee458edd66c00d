//! The requirement catalogue: `scenarios/requirements/`, one sentence with MUST, SHOULD or MAY each.

mod applies;
mod id;
mod load;
mod problems;

use serde::{Deserialize, Serialize};

pub use applies::{Applies, Versions};
pub use id::{LENGTH_MAX, README_MODULE, RequirementId, case_of_test};

/// The headings of the README of vagrant-mesos-cluster that describe something to do or to rely on, as its
/// anchors, in its order.
pub const README_ANCHORS: [&str; 25] = [
    "prerequisites",
    "launching-the-cluster",
    "using-ssh",
    "installing-the-cli",
    "adding-slaves",
    "kafka-package",
    "broker",
    "topic",
    "validation",
    "kafka-manager-optional",
    "spark-package",
    "example-app",
    "package-repositories",
    "admin-router",
    "mesos-dns",
    "haproxy",
    "dispatcher",
    "cli",
    "docker-image",
    "shuffle-service",
    "dcos-cli",
    "docker-logs",
    "sandbox-output",
    "insufficient-resources",
    "custom-docker-image",
];

/// The project whose README is the first source.
pub const README_PROJECT: &str = "vagrant-mesos-cluster";

/// Every requirement of the suite, sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Sorted by id.
    pub requirements: Vec<Requirement>,
}

/// One requirement, as its TOML record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Permanent.
    pub id: RequirementId,
    /// How binding it is.
    pub level: Level,
    /// The profile whose result it counts in.
    pub profile: String,
    /// What the subject must have for it to apply; with any, it belongs to the extended part of its profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// What kind of behaviour it asks for.
    pub class: Class,
    /// Whether one observation decides.
    pub confidence: Confidence,
    /// Whether it counts in the verdict.
    pub channel: Channel,
    /// The suite version that added it.
    pub since: String,
    /// The versions of its component it applies to; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<Applies>,
    /// One sentence with exactly one RFC 2119 verb, that of `level`.
    pub statement: String,
    /// Where the sentence comes from.
    pub sources: Vec<Source>,
    /// Why nothing tests it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Ids it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<RequirementId>,
    /// Set on a requirement that no longer stands: its id is not used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
}

/// How binding a requirement is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words are RFC 2119's")]
pub enum Level {
    Must,
    Should,
    May,
}

/// What kind of behaviour a requirement asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What it does when all is well.
    Functional,
    /// What it does when a part fails.
    Resilience,
    /// What it does when there is not enough.
    Limits,
    /// Looked at, without a verdict.
    Informational,
}

/// Whether one observation decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A violation shows every time.
    Deterministic,
    /// A violation may stay unseen in one run.
    Stochastic,
}

/// Whether a requirement counts in the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// It counts.
    Stable,
    /// New in this minor release: reported, not counted.
    Provisional,
}

/// A passage that a requirement restates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// As in `mesos`.
    pub project: String,
    /// Tag or commit.
    #[serde(rename = "ref")]
    pub reference: String,
    /// File in the project.
    pub path: String,
    /// Heading or symbol in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// At most one sentence of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Since which suite version a requirement no longer stands, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// Suite version.
    pub since: String,
    /// One sentence.
    pub why: String,
}

impl Level {
    /// The name as it stands in the catalogue and in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Should => "should",
            Level::May => "may",
        }
    }

    /// The verbs that say this level; the longer first.
    #[must_use]
    pub fn verbs(self) -> &'static [&'static str] {
        match self {
            Level::Must => &["MUST NOT", "MUST"],
            Level::Should => &["SHOULD NOT", "SHOULD"],
            Level::May => &["MAY"],
        }
    }
}

impl Source {
    /// Where the passage can be read, of projects whose sources lie in the open.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let home = match self.project.as_str() {
            "mesos" => "https://github.com/apache/mesos",
            README_PROJECT => "https://github.com/EronWright/vagrant-mesos-cluster",
            _ => return None,
        };
        // Only a heading of a document is an anchor of its page.
        let heading = self.anchor.as_ref().filter(|_| self.path.ends_with(".md"));
        let heading = heading.map_or_else(String::new, |anchor| format!("#{anchor}"));
        Some(format!("{home}/blob/{}/{}{heading}", self.reference, self.path))
    }

    /// True for the section of the README that `anchor` names.
    #[must_use]
    pub fn is_readme(&self, anchor: &str) -> bool {
        self.project == README_PROJECT && self.path == "README.md" && self.anchor.as_deref() == Some(anchor)
    }
}

impl Requirement {
    /// The first section of the README that it restates.
    #[must_use]
    pub fn readme_anchor(&self) -> Option<&'static str> {
        README_ANCHORS
            .into_iter()
            .find(|anchor| self.sources.iter().any(|source| source.is_readme(anchor)))
    }

    /// True where a scenario must exist: it is neither a gap nor retired.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        self.gap.is_none() && self.retired.is_none()
    }
}

impl Catalogue {
    /// The requirement of that id, or that had it.
    #[must_use]
    pub fn find(&self, id: &RequirementId) -> Option<&Requirement> {
        self.requirements
            .iter()
            .find(|requirement| requirement.id == *id || requirement.aliases.contains(id))
    }

    /// Those that a scenario must prove.
    pub fn tested(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(|requirement| requirement.is_tested())
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.project, self.reference, self.path)?;
        match &self.anchor {
            Some(anchor) => write!(f, "#{anchor}"),
            None => Ok(()),
        }
    }
}
