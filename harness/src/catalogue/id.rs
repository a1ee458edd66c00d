//! A requirement's permanent name.

use serde::{Deserialize, Serialize};

/// The longest id.
pub const LENGTH_MAX: usize = 60;
/// A module between area and behaviour that marks a workflow of the README, so that `-E 'test(/readme/)'` selects
/// them all. It is no part of the id.
pub const README_MODULE: &str = "readme";

/// `<component>.<area>.<behaviour>` in lower kebab-case: permanent, never reused, without ordinals and without
/// section numbers of documents.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequirementId(String);

impl RequirementId {
    /// The id that a test's name stands for: its first three segments, without [`README_MODULE`], in kebab-case.
    /// What follows them is a case of rstest. None where the name has no such form.
    #[must_use]
    pub fn of_test(test: &str) -> Option<Self> {
        let segments: Vec<String> = test
            .split("::")
            .filter(|segment| *segment != README_MODULE)
            .take(3)
            .map(|segment| segment.replace('_', "-"))
            .collect();
        (segments.len() == 3)
            .then(|| segments.join("."))
            .and_then(|id| id.try_into().ok())
    }

    /// The path of its test without [`README_MODULE`] and cases: `mesos::agent::started_slave_joins`.
    #[must_use]
    pub fn test_path(&self) -> String {
        self.0.replace('-', "_").replace('.', "::")
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment.
    #[must_use]
    pub fn component(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

/// The case of a test that has several: what stands after the behaviour, as in `case_2_slave3`.
#[must_use]
pub fn case_of_test(test: &str) -> Option<String> {
    let rest: Vec<&str> = test
        .split("::")
        .filter(|segment| *segment != README_MODULE)
        .skip(3)
        .collect();
    (!rest.is_empty()).then(|| rest.join("::"))
}

impl TryFrom<String> for RequirementId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let refuse = |why: &str| {
            Err(format!(
                "requirement id {id:?} {why}; ids are <component>.<area>.<behaviour> in lower kebab-case, at most \
                 {LENGTH_MAX} characters, as in mesos.agent.started-slave-joins"
            ))
        };
        if id.len() > LENGTH_MAX {
            return refuse(&format!("has {} characters", id.len()));
        }
        let segments: Vec<&str> = id.split('.').collect();
        if segments.len() != 3 {
            return refuse(&format!("has {} segments", segments.len()));
        }
        for segment in &segments {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            if !segment.chars().all(plain)
                || !ends_well(segment.chars().next_back())
                || !segment.starts_with(|c: char| c.is_ascii_lowercase())
                || segment.contains("--")
            {
                return refuse(&format!("has the segment {segment:?}"));
            }
            if *segment == README_MODULE {
                return refuse("has a segment that marks README workflows");
            }
        }
        let ordinal = |segment: &&str| segment.rsplit('-').next().is_some_and(is_number);
        if segments.last().is_some_and(ordinal) {
            return refuse("ends in a number");
        }
        Ok(RequirementId(id))
    }
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}

impl From<RequirementId> for String {
    fn from(id: RequirementId) -> String {
        id.0
    }
}

impl std::str::FromStr for RequirementId {
    type Err = String;

    fn from_str(id: &str) -> Result<Self, String> {
        id.to_owned().try_into()
    }
}

impl std::fmt::Display for RequirementId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_name_maps_to_its_id_and_back() {
        for (test, id, case) in [
            ("mesos::task::finishes", "mesos.task.finishes", None),
            (
                "mesos_dns::records::readme::follows_tasks",
                "mesos-dns.records.follows-tasks",
                None,
            ),
            (
                "mesos::agent::readme::joins::case_1_slave2",
                "mesos.agent.joins",
                Some("case_1_slave2"),
            ),
        ] {
            let found = RequirementId::of_test(test).expect("the name has the form");
            assert_eq!(found.as_str(), id);
            assert_eq!(case_of_test(test).as_deref(), case);
            assert_eq!(RequirementId::of_test(&found.test_path()), Some(found));
        }
        assert_eq!(RequirementId::of_test("tests::two"), None);
        assert_eq!(RequirementId::of_test("mesos::task::Finishes"), None);
    }

    #[test]
    fn malformed_ids_are_refused_with_the_reason() {
        for (id, why) in [
            ("mesos.agent", "2 segments"),
            ("mesos.agent.joins.twice", "4 segments"),
            ("Mesos.agent.joins", "\"Mesos\""),
            ("mesos.agent.joins_twice", "\"joins_twice\""),
            ("mesos..joins", "\"\""),
            ("mesos.agent.joins-", "\"joins-\""),
            ("mesos.agent.case-2", "ends in a number"),
            ("mesos.readme.joins", "README"),
            (
                "mesos.agent.a-behaviour-that-needs-far-more-words-than-any-reader",
                "65 characters",
            ),
        ] {
            let error = id.parse::<RequirementId>().expect_err(id);
            assert!(error.contains(why), "{why} stands in {error}");
        }
    }
}
