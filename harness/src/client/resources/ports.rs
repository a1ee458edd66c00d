//! Sets of ports, kept as ranges.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// Ports as ascending ranges, both ends included, that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortRanges(Vec<(u16, u16)>);

impl PortRanges {
    /// The ports from `begin` to `end`, both included; none when `end` comes first.
    #[must_use]
    pub fn range(begin: u16, end: u16) -> Self {
        PortRanges::normal(vec![(begin, end)])
    }

    /// One port.
    #[must_use]
    pub fn one(port: u16) -> Self {
        PortRanges::range(port, port)
    }

    pub(super) fn normal(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.retain(|(begin, end)| begin <= end);
        ranges.sort_unstable();
        let mut normal: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (begin, end) in ranges {
            match normal.last_mut() {
                Some(last) if u32::from(begin) <= u32::from(last.1) + 1 => last.1 = last.1.max(end),
                _ => normal.push((begin, end)),
            }
        }
        PortRanges(normal)
    }

    /// True without any port.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ports there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|(begin, end)| u32::from(end - begin) + 1).sum()
    }

    /// The ranges, ascending, both ends included.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.0.iter().copied()
    }

    /// Every port, ascending.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|(begin, end)| *begin..=*end)
    }

    /// True when every port of `other` is in here.
    #[must_use]
    pub fn contains(&self, other: &PortRanges) -> bool {
        other.minus(self).is_empty()
    }

    /// The ports of either.
    #[must_use]
    pub fn plus(&self, other: &PortRanges) -> PortRanges {
        PortRanges::normal(self.iter().chain(other.iter()).collect())
    }

    /// The ports that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &PortRanges) -> PortRanges {
        let mut left = Vec::new();
        for (begin, end) in self.iter() {
            // Wider than u16, so that the step past port 65535 does not wrap.
            let mut from = u32::from(begin);
            for (taken_begin, taken_end) in other.iter() {
                if u32::from(taken_end) < from || taken_begin > end {
                    continue;
                }
                if u32::from(taken_begin) > from {
                    left.push((from as u16, taken_begin - 1));
                }
                from = u32::from(taken_end) + 1;
            }
            if from <= u32::from(end) {
                left.push((from as u16, end));
            }
        }
        PortRanges::normal(left)
    }

    /// The lowest `count` ports, or nothing when there are fewer.
    #[must_use]
    pub fn first(&self, count: u32) -> Option<PortRanges> {
        let count = usize::try_from(count).ok()?;
        let chosen: Vec<(u16, u16)> = self.ports().take(count).map(|port| (port, port)).collect();
        (chosen.len() == count).then(|| PortRanges::normal(chosen))
    }
}

impl fmt::Display for PortRanges {
    /// `31000-32000 33000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .iter()
            .map(|(begin, end)| {
                if begin == end {
                    begin.to_string()
                } else {
                    format!("{begin}-{end}")
                }
            })
            .collect();
        f.write_str(&parts.join(" "))
    }
}

/// A text is not a list of port ranges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a list of port ranges such as `[31000-32000, 33000-33000]`")]
pub struct BadRanges(String);

impl FromStr for PortRanges {
    type Err = BadRanges;

    /// Reads Mesos' own form: `[31000-32000, 33000-33001]`.
    fn from_str(text: &str) -> Result<Self, BadRanges> {
        let bad = || BadRanges(text.to_owned());
        let inner = text
            .trim()
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .ok_or_else(bad)?;
        if inner.trim().is_empty() {
            return Ok(PortRanges::default());
        }
        let mut ranges = Vec::new();
        for part in inner.split(',') {
            let (begin, end) = part.split_once('-').ok_or_else(bad)?;
            let begin: u16 = begin.trim().parse().map_err(|_| bad())?;
            let end: u16 = end.trim().parse().map_err(|_| bad())?;
            if begin > end {
                return Err(bad());
            }
            ranges.push((begin, end));
        }
        Ok(PortRanges::normal(ranges))
    }
}

impl<'de> Deserialize<'de> for PortRanges {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> PortRanges {
        text.parse().expect("a list of ranges")
    }

    #[test]
    fn ranges_are_merged_and_sorted() {
        assert_eq!(ranges("[5-6, 1-2, 3-3]").to_string(), "1-3 5-6");
        assert_eq!(ranges("[1-9, 2-3]").to_string(), "1-9");
        assert_eq!(ranges("[65535-65535, 65534-65534]").to_string(), "65534-65535");
        assert_eq!(ranges("[]"), PortRanges::default());
        assert_eq!(ranges("[31000-32000]").count(), 1001);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "31000-32000",
            "[31000]",
            "[b-c]",
            "[2-1]",
            "[1-70000]",
            "[1-2",
            "[1-2,]",
        ] {
            let error = text.parse::<PortRanges>().expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn minus_agrees_with_counting_every_port() {
        let cases = ["[]", "[1-10]", "[3-4, 8-8]", "[1-1, 10-10]", "[5-20]", "[65530-65535]"];
        for left in cases {
            for right in cases {
                let (left, right) = (ranges(left), ranges(right));
                let expected: Vec<u16> = left.ports().filter(|port| !right.ports().any(|r| r == *port)).collect();
                let found: Vec<u16> = left.minus(&right).ports().collect();
                assert_eq!(found, expected, "{left} minus {right}");
                assert_eq!(right.contains(&left), expected.is_empty());
                assert_eq!(left.minus(&right).plus(&right), left.plus(&right));
            }
        }
    }

    #[test]
    fn first_takes_the_lowest_or_nothing() {
        assert_eq!(ranges("[5-6, 1-1]").first(2), Some(ranges("[1-1, 5-5]")));
        assert_eq!(ranges("[5-6]").first(3), None);
        assert_eq!(ranges("[]").first(0), Some(PortRanges::default()));
    }
}
