//! What is wrong with a catalogue that can be read: the catalogue test prints all of it at once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalogue, README_ANCHORS, Requirement, RequirementId, applies};
use crate::doctor::ability_names;

const VERBS: [&str; 5] = ["MUST NOT", "MUST", "SHOULD NOT", "SHOULD", "MAY"];

impl Catalogue {
    /// Every rule that the records break by themselves, one sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.requirements.iter().flat_map(of_record).collect();
        let mut seen = BTreeMap::new();
        for requirement in &self.requirements {
            for id in std::iter::once(&requirement.id).chain(&requirement.aliases) {
                *seen.entry(id).or_insert(0) += 1;
            }
        }
        let twice = seen.into_iter().filter(|(_, times)| *times > 1);
        problems.extend(twice.map(|(id, times)| format!("{id}: stands {times} times (aliases included)")));
        for anchor in README_ANCHORS {
            let restates =
                |requirement: &Requirement| requirement.sources.iter().any(|source| source.is_readme(anchor));
            if !self
                .requirements
                .iter()
                .any(|requirement| requirement.retired.is_none() && restates(requirement))
            {
                problems.push(format!("README section #{anchor}: has neither a requirement nor a gap"));
            }
        }
        problems
    }

    /// Where the tests that exist and the catalogue differ, both ways; `tests` are names as nextest lists them.
    #[must_use]
    pub fn problems_with_tests<'a>(&self, tests: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut problems = Vec::new();
        let mut proven = BTreeSet::new();
        for test in tests {
            match RequirementId::of_test(test) {
                None => problems.push(format!("test {test}: its name maps to no requirement id")),
                Some(id) => {
                    match self.requirements.iter().find(|requirement| requirement.id == id) {
                        None => problems.push(format!("test {test}: {id} is not in the catalogue")),
                        Some(found) if !found.is_tested() => {
                            problems.push(format!("test {test}: {id} is a gap or retired in the catalogue"));
                        }
                        Some(_) => {}
                    }
                    proven.insert(id);
                }
            }
        }
        let untested = self.tested().filter(|requirement| !proven.contains(&requirement.id));
        problems.extend(untested.map(|requirement| {
            let (id, path) = (&requirement.id, requirement.id.test_path());
            format!("{id}: has no test {path} and no gap")
        }));
        problems
    }
}

fn of_record(requirement: &Requirement) -> Vec<String> {
    let mut problems = Vec::new();
    let mut wrong = |what: &str| problems.push(format!("{}: {what}", requirement.id));
    let verbs = verbs_of(&requirement.statement);
    match verbs.as_slice() {
        [verb] if requirement.level.verbs().contains(verb) => {}
        [verb] => wrong(&format!(
            "its statement says {verb}, its level is {}",
            requirement.level.as_str()
        )),
        other => wrong(&format!(
            "its statement has {} of MUST, SHOULD and MAY, and needs one",
            other.len()
        )),
    }
    if !requirement.statement.ends_with('.') {
        wrong("its statement is no sentence: it has no full stop at the end");
    }
    if requirement.sources.is_empty() {
        wrong("has no source");
    }
    for source in &requirement.sources {
        if [&source.project, &source.reference, &source.path]
            .iter()
            .any(|part| part.trim().is_empty())
        {
            wrong("a source lacks project, ref or path");
        }
    }
    for feature in &requirement.features {
        if !ability_names().any(|known| known == feature) {
            wrong(&format!("needs the feature {feature}, which no probe looks for"));
        }
    }
    for (name, text) in [("profile", &requirement.profile), ("since", &requirement.since)] {
        if text.trim().is_empty() {
            wrong(&format!("its {name} is empty"));
        }
    }
    if requirement.gap.as_ref().is_some_and(|gap| !gap.ends_with('.')) {
        wrong("its gap is no sentence that says why nothing tests it");
    }
    if let Some(applies) = &requirement.applies {
        if !applies.why.ends_with('.') {
            wrong("what it says of the versions it applies to is no sentence that says why");
        }
        if !applies::has_version(requirement.id.component()) {
            wrong("applies to some versions, and no stack gives its component one");
        }
    }
    problems
}

/// Every RFC 2119 verb of a sentence; `MUST NOT` counts once.
fn verbs_of(statement: &str) -> Vec<&'static str> {
    let words: Vec<&str> = statement
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    let mut verbs = Vec::new();
    let mut place = 0;
    while place < words.len() {
        let pair = words.get(place + 1).map(|next| format!("{} {next}", words[place]));
        let found = VERBS
            .into_iter()
            .find(|verb| pair.as_deref() == Some(*verb) || words[place] == *verb);
        if let Some(verb) = found {
            place += verb.split(' ').count() - 1;
            verbs.push(verb);
        }
        place += 1;
    }
    verbs
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::catalogue::{Applies, Channel, Class, Confidence, Level, README_PROJECT, Source};

    pub(in crate::catalogue) fn requirement(id: &str) -> Requirement {
        Requirement {
            id: id.parse().expect("a well-formed id"),
            level: Level::Must,
            profile: "mesos".to_owned(),
            features: Vec::new(),
            class: Class::Functional,
            confidence: Confidence::Deterministic,
            channel: Channel::Stable,
            since: "0.1.0".to_owned(),
            applies: None,
            statement: "It MUST work.".to_owned(),
            sources: README_ANCHORS
                .iter()
                .map(|anchor| Source {
                    project: README_PROJECT.to_owned(),
                    reference: "df015bd".to_owned(),
                    path: "README.md".to_owned(),
                    anchor: Some((*anchor).to_owned()),
                    excerpt: None,
                })
                .collect(),
            gap: None,
            aliases: Vec::new(),
            retired: None,
        }
    }

    fn problems(change: impl FnOnce(&mut Vec<Requirement>)) -> String {
        let mut requirements = vec![requirement("mesos.agent.joins"), requirement("mesos.agent.leaves")];
        change(&mut requirements);
        Catalogue { requirements }.problems().join("\n")
    }

    #[test]
    fn every_broken_rule_is_named() {
        assert_eq!(problems(|_| {}), "");
        type Change = fn(&mut Vec<Requirement>);
        let cases: [(&str, Change); 11] = [
            ("mesos.agent.joins: stands 2 times", |all| all[1].id = all[0].id.clone()),
            ("mesos.agent.joins: stands 2 times", |all| {
                all[1].aliases = vec![all[0].id.clone()]
            }),
            ("its statement says MAY, its level is must", |all| {
                all[0].statement = "It MAY work.".to_owned()
            }),
            ("has 2 of MUST", |all| {
                all[0].statement = "It MUST work and SHOULD NOT fail.".to_owned()
            }),
            ("has 0 of MUST", |all| all[0].statement = "It must work.".to_owned()),
            ("has no source", |all| all[0].sources.clear()),
            ("needs the feature telepathy, which no probe looks for", |all| {
                all[0].features = vec!["netem".to_owned(), "telepathy".to_owned()];
            }),
            ("lacks project, ref or path", |all| all[0].sources[0].reference.clear()),
            ("no sentence that says why", |all| {
                all[0].applies = Some(Applies {
                    versions: semver::VersionReq::STAR,
                    why: String::new(),
                });
            }),
            ("no stack gives its component one", |all| {
                all[0].id = "node.agent.joins".parse().expect("a well-formed id");
                all[0].applies = Some(Applies {
                    versions: semver::VersionReq::STAR,
                    why: "So.".to_owned(),
                });
            }),
            ("README section #haproxy", |all| {
                all.iter_mut()
                    .for_each(|one| one.sources.retain(|source| !source.is_readme("haproxy")));
            }),
        ];
        for (wanted, change) in cases {
            let found = problems(change);
            assert!(found.contains(wanted), "{wanted} stands in {found:?}");
        }
    }

    #[test]
    fn must_not_is_one_verb() {
        assert_eq!(verbs_of("It MUST NOT fail."), ["MUST NOT"]);
        assert_eq!(verbs_of("MUSTER is no verb, MAY is."), ["MAY"]);
    }

    #[test]
    fn tests_and_catalogue_must_agree_both_ways() {
        let mut gap = requirement("mesos.agent.sleeps");
        gap.gap = Some("Nothing sleeps yet.".to_owned());
        let catalogue = Catalogue {
            requirements: vec![requirement("mesos.agent.joins"), requirement("mesos.agent.leaves"), gap],
        };
        let good = ["mesos::agent::readme::joins::case_1", "mesos::agent::leaves"];
        assert_eq!(catalogue.problems_with_tests(good), Vec::<String>::new());
        let bad = [
            "mesos::agent::joins",
            "mesos::agent::flies",
            "stray",
            "mesos::agent::sleeps",
        ];
        assert_eq!(
            catalogue.problems_with_tests(bad),
            [
                "test mesos::agent::flies: mesos.agent.flies is not in the catalogue",
                "test stray: its name maps to no requirement id",
                "test mesos::agent::sleeps: mesos.agent.sleeps is a gap or retired in the catalogue",
                "mesos.agent.leaves: has no test mesos::agent::leaves and no gap",
            ]
        );
    }
}
