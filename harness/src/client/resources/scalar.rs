//! A scalar resource, exact.

use std::fmt;
use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in thousandths: Mesos keeps three decimals of a scalar resource and no more (Mesos
/// `docs/attributes-resources.md`, `src/common/values.cpp`), so sums here come out as the master's do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scalar(i64);

impl Scalar {
    /// Nothing.
    pub const ZERO: Scalar = Scalar(0);

    /// The amount as Mesos' JSON has it.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The difference, never below zero.
    #[must_use]
    pub fn minus(self, other: Scalar) -> Scalar {
        Scalar(self.0.saturating_sub(other.0).max(0))
    }

    /// How large this is as a part of `whole`; 0 of nothing.
    pub(crate) fn share_of(self, whole: Scalar) -> f64 {
        if whole.0 == 0 {
            0.0
        } else {
            self.0 as f64 / whole.0 as f64
        }
    }
}

impl From<f64> for Scalar {
    /// Rounds to thousandths; a number that is none counts as zero.
    fn from(amount: f64) -> Self {
        Scalar((amount * 1000.0).round() as i64)
    }
}

impl From<u32> for Scalar {
    fn from(amount: u32) -> Self {
        Scalar(i64::from(amount) * 1000)
    }
}

impl Add for Scalar {
    type Output = Scalar;

    fn add(self, other: Scalar) -> Scalar {
        Scalar(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        f64::deserialize(from).map(Scalar::from)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.as_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_decimals_are_kept() {
        assert_eq!(Scalar::from(0.1) + Scalar::from(0.2), Scalar::from(0.3));
        assert_eq!(Scalar::from(0.0014), Scalar::from(0.001));
        assert_eq!(Scalar::from(2929.0).to_string(), "2929");
        assert_eq!(Scalar::from(0.25).to_string(), "0.25");
    }

    #[test]
    fn it_stops_at_nothing_and_at_the_largest_number() {
        assert_eq!(Scalar::from(1.0).minus(Scalar::from(2.0)), Scalar::ZERO);
        assert!(Scalar::from(f64::MAX) + Scalar::from(f64::MAX) > Scalar::ZERO);
        assert_eq!(Scalar::from(f64::NAN), Scalar::ZERO);
    }
}
