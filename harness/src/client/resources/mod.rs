//! Resources: what an agent has, an offer holds and a task asks for.

mod claims;
mod ports;
mod scalar;
mod v1;

use std::fmt;
use std::ops::Add;

use serde::Deserialize;
use serde_json::{Value, json};

pub use claims::{Reserved, Volume};
pub use ports::PortRanges;
pub use scalar::Scalar;
pub use v1::RoleResources;

/// Amounts of the resources that the harness reasons about. Custom resources of an agent are not counted.
///
/// Deserialises from the summary objects of `/state`: `{"cpus": 4.0, "mem": 2929.0, "ports": "[31000-32000]", …}`
/// (Mesos `src/common/http.cpp`, `model(const Resources&)`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// CPU shares, in cores.
    pub cpus: Scalar,
    /// Memory in MB.
    #[serde(rename = "mem")]
    pub mem_mb: Scalar,
    /// Sandbox disk in MB.
    #[serde(rename = "disk")]
    pub disk_mb: Scalar,
    /// Whole GPUs.
    pub gpus: Scalar,
    /// Ports.
    pub ports: PortRanges,
}

impl Resources {
    /// `cpus` cores and `mem_mb` MB of memory.
    #[must_use]
    pub fn new(cpus: f64, mem_mb: f64) -> Self {
        Resources {
            cpus: cpus.into(),
            mem_mb: mem_mb.into(),
            ..Resources::default()
        }
    }

    /// With that much disk, in MB.
    #[must_use]
    pub fn with_disk(mut self, disk_mb: f64) -> Self {
        self.disk_mb = disk_mb.into();
        self
    }

    /// With these ports.
    #[must_use]
    pub fn with_ports(mut self, ports: PortRanges) -> Self {
        self.ports = ports;
        self
    }

    /// True when nothing is left of any resource.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Resources::default()
    }

    /// True when all of `other` is in here, ports by number.
    #[must_use]
    pub fn contains(&self, other: &Resources) -> bool {
        self.cpus >= other.cpus
            && self.mem_mb >= other.mem_mb
            && self.disk_mb >= other.disk_mb
            && self.gpus >= other.gpus
            && self.ports.contains(&other.ports)
    }

    /// What is left without `other`; never below nothing.
    #[must_use]
    pub fn minus(&self, other: &Resources) -> Resources {
        Resources {
            cpus: self.cpus.minus(other.cpus),
            mem_mb: self.mem_mb.minus(other.mem_mb),
            disk_mb: self.disk_mb.minus(other.disk_mb),
            gpus: self.gpus.minus(other.gpus),
            ports: self.ports.minus(&other.ports),
        }
    }

    /// What is left without `other`, or nothing at all when `other` is not all in here.
    #[must_use]
    pub fn checked_minus(&self, other: &Resources) -> Option<Resources> {
        self.contains(other).then(|| self.minus(other))
    }

    /// The lesser of both, resource by resource.
    #[must_use]
    pub fn common(&self, other: &Resources) -> Resources {
        Resources {
            cpus: self.cpus.min(other.cpus),
            mem_mb: self.mem_mb.min(other.mem_mb),
            disk_mb: self.disk_mb.min(other.disk_mb),
            gpus: self.gpus.min(other.gpus),
            ports: self.ports.minus(&self.ports.minus(&other.ports)),
        }
    }

    /// The list of v1 `Resource` messages, unreserved.
    #[must_use]
    pub fn to_v1(&self) -> Vec<Value> {
        let scalars = [
            ("cpus", self.cpus),
            ("mem", self.mem_mb),
            ("disk", self.disk_mb),
            ("gpus", self.gpus),
        ];
        let mut list: Vec<Value> = scalars
            .into_iter()
            .filter(|(_, amount)| *amount > Scalar::ZERO)
            .map(|(name, amount)| json!({"name": name, "type": "SCALAR", "scalar": {"value": amount.as_f64()}}))
            .collect();
        if !self.ports.is_empty() {
            let ranges = self
                .ports
                .iter()
                .map(|(begin, end)| json!({"begin": begin, "end": end}));
            list.push(json!({"name": "ports", "type": "RANGES", "ranges": {"range": ranges.collect::<Vec<_>>()}}));
        }
        list
    }
}

impl Add for Resources {
    type Output = Resources;

    fn add(self, other: Resources) -> Resources {
        Resources {
            cpus: self.cpus + other.cpus,
            mem_mb: self.mem_mb + other.mem_mb,
            disk_mb: self.disk_mb + other.disk_mb,
            gpus: self.gpus + other.gpus,
            ports: self.ports.plus(&other.ports),
        }
    }
}

impl std::iter::Sum for Resources {
    fn sum<I: Iterator<Item = Resources>>(all: I) -> Resources {
        all.fold(Resources::default(), Add::add)
    }
}

impl fmt::Display for Resources {
    /// `cpus 4, mem 2929 MB, disk 35164 MB, ports 31000-32000`; what is zero is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (name, amount, unit) in [
            ("cpus", self.cpus, ""),
            ("mem", self.mem_mb, " MB"),
            ("disk", self.disk_mb, " MB"),
            ("gpus", self.gpus, ""),
        ] {
            if amount > Scalar::ZERO {
                parts.push(format!("{name} {amount}{unit}"));
            }
        }
        if !self.ports.is_empty() {
            parts.push(format!("ports {}", self.ports));
        }
        if parts.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&parts.join(", "))
    }
}

/// What a task asks for: amounts, and how many ports of any number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Amounts; its ports are asked for by number.
    pub resources: Resources,
    /// Further ports, whichever the agent has.
    pub any_ports: u32,
}

impl Demand {
    /// The concrete resources to take out of `free`, or nothing when they are not all there.
    #[must_use]
    pub fn allot(&self, free: &Resources) -> Option<Resources> {
        let rest = free.checked_minus(&self.resources)?;
        let chosen = rest.ports.first(self.any_ports)?;
        let mut allotted = self.resources.clone();
        allotted.ports = allotted.ports.plus(&chosen);
        Some(allotted)
    }

    /// True when `free` holds it.
    #[must_use]
    pub fn fits(&self, free: &Resources) -> bool {
        self.allot(free).is_some()
    }
}

impl From<Resources> for Demand {
    fn from(resources: Resources) -> Self {
        Demand {
            resources,
            any_ports: 0,
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.any_ports, self.resources.is_empty()) {
            (0, _) => write!(f, "{}", self.resources),
            (1, true) => f.write_str("1 port"),
            (1, false) => write!(f, "{}, 1 port", self.resources),
            (count, true) => write!(f, "{count} ports"),
            (count, false) => write!(f, "{}, {count} ports", self.resources),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slave1() -> Resources {
        serde_json::from_str(
            r#"{"cpus":4.0,"disk":35164.0,"gpus":0,"mem":2929.0,"ports":"[31000-32000]","licences":7.0}"#,
        )
        .expect("a summary object of /state")
    }

    #[test]
    fn a_state_summary_reads_and_prints() {
        assert_eq!(
            slave1().to_string(),
            "cpus 4, mem 2929 MB, disk 35164 MB, ports 31000-32000"
        );
        let none: Resources = serde_json::from_str(r#"{"cpus":0,"disk":0,"gpus":0,"mem":0}"#).expect("an idle agent");
        assert!(none.is_empty());
        assert_eq!(none.to_string(), "nothing");
    }

    #[test]
    fn arithmetic_is_exact_in_thousandths() {
        let tenth = Resources::new(0.1, 0.1);
        let sum: Resources = std::iter::repeat_n(tenth.clone(), 10).sum();
        assert_eq!(sum, Resources::new(1.0, 1.0));
        assert_eq!(sum.minus(&tenth).to_string(), "cpus 0.9, mem 0.9 MB");
        assert_eq!(tenth.minus(&sum), Resources::default());
        assert_eq!(tenth.checked_minus(&sum), None);
    }

    #[test]
    fn a_sum_minus_one_part_is_the_other() {
        let part = Resources::new(1.5, 64.0).with_ports("[31005-31010]".parse().expect("a range"));
        let rest = slave1().checked_minus(&part).expect("it is in there");
        assert_eq!(rest.ports.to_string(), "31000-31004 31011-32000");
        assert!(!rest.contains(&part));
        assert_eq!(rest.clone() + part, slave1());
        assert_eq!(slave1().common(&rest), rest);
    }

    #[test]
    fn the_v1_form_leaves_out_what_is_zero() {
        let resources = Resources::new(0.5, 32.0).with_ports("[31000-31001]".parse().expect("a range"));
        let expected = json!([
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 32.0}},
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 31000, "end": 31001}]}},
        ]);
        assert_eq!(Value::from(resources.to_v1()), expected);
    }

    #[test]
    fn a_demand_takes_named_ports_and_the_first_free_ones() {
        let demand = Demand {
            resources: Resources::new(1.0, 10.0).with_ports("[31001-31001]".parse().expect("a range")),
            any_ports: 2,
        };
        let allotted = demand.allot(&slave1()).expect("slave 1 has it");
        assert_eq!(allotted.ports.to_string(), "31000-31002");
        assert_eq!(demand.to_string(), "cpus 1, mem 10 MB, ports 31001, 2 ports");

        let greedy = Demand {
            resources: Resources::default(),
            any_ports: 1002,
        };
        assert!(!greedy.fits(&slave1()), "there are 1001 ports");
    }
}
