//! Lists of v1 `Resource` messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{PortRanges, Resources, Scalar};

/// Resources by the role they are reserved for.
///
/// Deserialises from a list of v1 `Resource` messages (Mesos `include/mesos/v1/mesos.proto`), in both forms of a
/// reservation: `role` on the resource (up to 1.3, and schedulers without RESERVATION_REFINEMENT) and `reservations`.
/// Left out, as no ordinary task can use them: revocable resources, disks with a source of their own, and custom
/// resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<V1Resource>")]
pub struct RoleResources {
    /// What any role may use.
    pub unreserved: Resources,
    /// What one role may use.
    pub reserved: BTreeMap<String, Resources>,
    /// Persistent volumes by id, with their size in MB; they are no part of the amounts above.
    pub volumes: BTreeMap<String, Scalar>,
}

impl RoleResources {
    /// What a task of `role` may use.
    #[must_use]
    pub fn available_to(&self, role: &str) -> Resources {
        self.unreserved.clone() + self.reserved.get(role).cloned().unwrap_or_default()
    }

    /// Everything, whoever it is reserved for.
    #[must_use]
    pub fn total(&self) -> Resources {
        self.unreserved.clone() + self.reserved.values().cloned().sum()
    }
}

#[derive(Deserialize)]
struct V1Resource {
    name: String,
    scalar: Option<V1Scalar>,
    ranges: Option<V1Ranges>,
    role: Option<String>,
    #[serde(default)]
    reservations: Vec<V1Reservation>,
    revocable: Option<IgnoredAny>,
    disk: Option<V1Disk>,
}

#[derive(Deserialize)]
struct V1Disk {
    persistence: Option<V1Persistence>,
}

#[derive(Deserialize)]
struct V1Persistence {
    id: String,
}

#[derive(Deserialize)]
struct V1Scalar {
    value: Scalar,
}

#[derive(Deserialize)]
struct V1Ranges {
    #[serde(default)]
    range: Vec<V1Range>,
}

#[derive(Deserialize)]
struct V1Range {
    begin: u64,
    end: u64,
}

#[derive(Deserialize)]
struct V1Reservation {
    role: Option<String>,
}

impl V1Resource {
    /// The role it is reserved for; the last reservation is the innermost.
    fn reserved_for(&self) -> Option<String> {
        let refined = self
            .reservations
            .last()
            .and_then(|reservation| reservation.role.clone());
        refined.or_else(|| self.role.clone()).filter(|role| role != "*")
    }

    fn amount(&self) -> Result<Resources, String> {
        let scalar = self.scalar.as_ref().map(|scalar| scalar.value);
        let mut amount = Resources::default();
        match self.name.as_str() {
            "cpus" => amount.cpus = scalar.ok_or("cpus is not a scalar")?,
            "mem" => amount.mem_mb = scalar.ok_or("mem is not a scalar")?,
            "disk" => amount.disk_mb = scalar.ok_or("disk is not a scalar")?,
            "gpus" => amount.gpus = scalar.ok_or("gpus is not a scalar")?,
            "ports" => {
                let ranges = self.ranges.as_ref().ok_or("ports is not a list of ranges")?;
                let ranges = ranges.range.iter().map(V1Range::ports).collect::<Result<_, _>>()?;
                amount.ports = PortRanges::normal(ranges);
            }
            _ => {}
        }
        Ok(amount)
    }
}

impl V1Range {
    fn ports(&self) -> Result<(u16, u16), String> {
        let port = |number: u64| u16::try_from(number).map_err(|_| format!("{number} is not a port"));
        Ok((port(self.begin)?, port(self.end)?))
    }
}

impl TryFrom<Vec<V1Resource>> for RoleResources {
    type Error = String;

    fn try_from(list: Vec<V1Resource>) -> Result<Self, String> {
        let mut all = RoleResources::default();
        for resource in list {
            if let Some(disk) = &resource.disk {
                if let (Some(volume), Some(size)) = (&disk.persistence, &resource.scalar) {
                    all.volumes.insert(volume.id.clone(), size.value);
                }
                continue;
            }
            if resource.revocable.is_some() {
                continue;
            }
            let amount = resource.amount()?;
            let sum = match resource.reserved_for() {
                Some(role) => all.reserved.entry(role).or_default(),
                None => &mut all.unreserved,
            };
            *sum = std::mem::take(sum) + amount;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_reservation_are_read() {
        let list = r#"[
            {"name":"cpus","type":"SCALAR","scalar":{"value":3},"role":"*","allocation_info":{"role":"kafka"}},
            {"name":"cpus","type":"SCALAR","scalar":{"value":0.5},"role":"kafka"},
            {"name":"mem","type":"SCALAR","scalar":{"value":100},
             "reservations":[{"type":"STATIC","role":"eng"},{"type":"DYNAMIC","role":"eng/kafka"}]},
            {"name":"ports","type":"RANGES",
             "ranges":{"range":[{"begin":31000,"end":31009},{"begin":31010,"end":31010}]}},
            {"name":"disk","type":"SCALAR","scalar":{"value":10},"disk":{"persistence":{"id":"v"}},"role":"kafka"},
            {"name":"cpus","type":"SCALAR","scalar":{"value":9},"revocable":{}},
            {"name":"licences","type":"SET","set":{"item":["a"]}}
        ]"#;
        let read: RoleResources = serde_json::from_str(list).expect("a list of v1 resources");
        assert_eq!(read.unreserved.to_string(), "cpus 3, ports 31000-31010");
        assert_eq!(read.available_to("kafka").to_string(), "cpus 3.5, ports 31000-31010");
        assert_eq!(read.available_to("eng").to_string(), "cpus 3, ports 31000-31010");
        assert_eq!(read.total().to_string(), "cpus 3.5, mem 100 MB, ports 31000-31010");
    }

    #[test]
    fn what_we_write_we_read() {
        let ours = Resources::new(0.5, 32.0)
            .with_disk(5.0)
            .with_ports(PortRanges::one(31000));
        let list = serde_json::Value::from(ours.to_v1());
        let read: RoleResources = serde_json::from_value(list).expect("our own list");
        assert_eq!(read.unreserved, ours);
        assert!(read.reserved.is_empty());
    }

    #[test]
    fn a_wrong_type_is_named() {
        let error = serde_json::from_str::<RoleResources>(r#"[{"name":"cpus","type":"TEXT"}]"#).expect_err("no scalar");
        assert!(error.to_string().contains("cpus is not a scalar"), "{error}");
        let list = r#"[{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":70000}]}}]"#;
        let error = serde_json::from_str::<RoleResources>(list).expect_err("no such port");
        assert!(error.to_string().contains("70000 is not a port"), "{error}");
    }
}
