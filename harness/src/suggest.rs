//! "Did you mean": what a mistyped name was meant to be.

use crate::Error;

/// What old Mesos and short speech call a component.
const SYNONYMS: [(&str, &str); 8] = [
    ("mesos-slave", "mesos-agent"),
    ("slave", "mesos-agent"),
    ("agent", "mesos-agent"),
    ("master", "mesos-master"),
    ("zk", "zookeeper"),
    ("zk", "zookeepers"),
    ("agents", "slaves"),
    ("nodes", "node"),
];

/// `error`, with a hint at the one of `allowed` that `text` was meant to be, if one is near.
#[must_use]
pub fn hinted(error: Error, text: &str, allowed: &[&str]) -> Error {
    match closest(text, allowed) {
        Some(meant) => error.hint(format!("did you mean {meant}?")),
        None => error,
    }
}

/// The one of `allowed` that `text` was meant to be, if one is near.
#[must_use]
pub fn closest<'k>(text: &str, allowed: &[&'k str]) -> Option<&'k str> {
    let mut meant = SYNONYMS.iter().filter(|(other, _)| *other == text);
    let meant = meant.find_map(|(_, name)| allowed.iter().find(|allowed| *allowed == name));
    if let Some(name) = meant {
        return Some(name);
    }
    let distances = allowed
        .iter()
        .map(|name| (strsim::damerau_levenshtein(text, name), *name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().max(3) / 3).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let allowed = ["zookeeper", "mesos-master"];
        assert_eq!(closest("zookeper", &allowed), Some("zookeeper"));
        assert_eq!(closest("zk", &allowed), Some("zookeeper"));
        assert_eq!(closest("master", &allowed), Some("mesos-master"));
        assert_eq!(closest("kafka", &allowed), None);
    }
}
