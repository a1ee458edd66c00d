//! The parts of a report that are made of all results together: profiles, gaps, README sections, subject, clean-up.

use std::collections::BTreeSet;

use super::Outcome;
use super::merge::{Evidence, Inputs};
use super::model::{Capability, Extended, Gap, Profile, ReadmeSection, RequirementResult, Subject, Tally};
use super::verdict;
use crate::catalogue::{Catalogue, README_ANCHORS, Requirement};
use crate::evidence::Cleanup;

pub(super) fn profiles_of(requirements: &[RequirementResult], capabilities: &[Capability]) -> Vec<Profile> {
    let names: BTreeSet<&str> = requirements.iter().map(|one| one.profile.as_str()).collect();
    names
        .into_iter()
        .map(|name| {
            let all: Vec<&RequirementResult> = requirements.iter().filter(|one| one.profile == name).collect();
            let core = tally(all.iter().filter(|one| one.features.is_empty()).copied());
            let rest = tally(all.iter().filter(|one| !one.features.is_empty()).copied());
            let wanted: BTreeSet<&String> = all.iter().flat_map(|one| &one.features).collect();
            let features = |supported: bool| {
                let known = capabilities.iter().filter(|one| one.supported == supported);
                known
                    .map(|one| &one.feature)
                    .filter(|one| wanted.contains(one))
                    .cloned()
                    .collect()
            };
            Profile {
                name: name.to_owned(),
                result: verdict::judge(all.iter().copied()),
                core,
                extended: Extended {
                    counts: rest.counts,
                    ids: rest.ids,
                    supported: features(true),
                    unsupported: features(false),
                },
            }
        })
        .collect()
}

fn tally<'a>(results: impl Iterator<Item = &'a RequirementResult>) -> Tally {
    let mut tally = Tally::default();
    for result in results {
        *tally.counts.entry(result.outcome.as_str().to_owned()).or_insert(0) += 1;
        if result.outcome != Outcome::Passed {
            tally.ids.push(result.id.clone());
        }
    }
    tally
}

pub(super) fn gaps_of(catalogue: &Catalogue) -> Vec<Gap> {
    let gaps = catalogue
        .requirements
        .iter()
        .filter(|requirement| requirement.retired.is_none());
    gaps.filter_map(|requirement| {
        Some(Gap {
            id: requirement.id.clone(),
            anchor: requirement.readme_anchor().map(str::to_owned),
            statement: requirement.statement.clone(),
            reason: requirement.gap.clone()?,
        })
    })
    .collect()
}

pub(super) fn readme_of(catalogue: &Catalogue, results: &[RequirementResult]) -> Vec<ReadmeSection> {
    let section = |anchor: &str| {
        let restating = catalogue.requirements.iter().filter(|requirement| {
            requirement.retired.is_none() && requirement.sources.iter().any(|source| source.is_readme(anchor))
        });
        let (gaps, tested): (Vec<&Requirement>, Vec<&Requirement>) = restating.partition(|one| one.gap.is_some());
        let outcomes = results
            .iter()
            .filter(|result| tested.iter().any(|one| one.id == result.id));
        let outcomes: Vec<Outcome> = outcomes.map(|result| result.outcome).collect();
        ReadmeSection {
            anchor: anchor.to_owned(),
            outcome: (!outcomes.is_empty()).then(|| Outcome::roll_up(outcomes)),
            requirements: tested.iter().map(|one| one.id.clone()).collect(),
            gaps: gaps.iter().map(|one| one.id.clone()).collect(),
        }
    };
    README_ANCHORS.into_iter().map(section).collect()
}

pub(super) fn subject_of(inputs: &Inputs<'_>) -> Subject {
    let mut components: Vec<_> = inputs
        .evidence
        .iter()
        .flat_map(|one| &one.record.components)
        .cloned()
        .collect();
    components.sort_by(|a, b| (&a.name, &a.version, &a.image).cmp(&(&b.name, &b.version, &b.image)));
    components.dedup();
    Subject {
        distribution: "Apache Mesos".to_owned(),
        mode: inputs.mode.to_owned(),
        components,
    }
}

pub(super) fn cleanup_of(evidence: &[Evidence]) -> Cleanup {
    let mut all = Cleanup::default();
    for one in evidence {
        all.created += one.record.cleanup.created;
        all.removed += one.record.cleanup.removed;
        all.leaked.extend(one.record.cleanup.leaked.iter().cloned());
    }
    all.leaked.sort();
    all.leaked.dedup();
    all
}
