//! Resources that somebody laid claim to: reservations and persistent volumes.

use serde_json::{Value, json};

use super::{Resources, Scalar};

/// Resources of one agent that are, or are to be, reserved for a role at run time (Mesos `docs/reservation.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reserved {
    role: String,
    principal: Option<String>,
    resources: Resources,
}

impl Reserved {
    /// `resources`, reserved for `role`.
    pub fn new(role: impl Into<String>, resources: Resources) -> Self {
        Reserved {
            role: role.into(),
            principal: None,
            resources,
        }
    }

    /// Who reserves it: whoever authenticated must say who it is.
    pub fn principal(mut self, principal: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// The list of v1 `Resource` messages.
    #[must_use]
    pub fn to_v1(&self) -> Vec<Value> {
        let mut list = self.resources.to_v1();
        for resource in &mut list {
            resource["reservations"] = json!([reservation(&self.role, self.principal.as_deref())]);
        }
        list
    }
}

/// A persistent volume on disk that is reserved for a role (Mesos `docs/persistent-volume.md`). What is in it stays until
/// the volume is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Volume {
    id: String,
    role: String,
    principal: Option<String>,
    disk_mb: Scalar,
    path: String,
}

impl Volume {
    /// The volume `id` on `disk_mb` MB of disk of `role`, which a task finds as `path` in its sandbox. The id is unique
    /// for the role on one agent.
    pub fn new(id: impl Into<String>, role: impl Into<String>, disk_mb: f64, path: impl Into<String>) -> Self {
        Volume {
            id: id.into(),
            role: role.into(),
            principal: None,
            disk_mb: disk_mb.into(),
            path: path.into(),
        }
    }

    /// Who reserved the disk and makes the volume: whoever authenticated must say who it is.
    pub fn principal(mut self, principal: impl Into<String>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The disk that it is made of.
    pub fn disk(&self) -> Reserved {
        let disk = Resources::default().with_disk(self.disk_mb.as_f64());
        Reserved {
            role: self.role.clone(),
            principal: self.principal.clone(),
            resources: disk,
        }
    }

    /// The v1 `Resource`.
    #[must_use]
    pub fn to_v1(&self) -> Value {
        let mut persistence = json!({ "id": self.id });
        if let Some(principal) = &self.principal {
            persistence["principal"] = principal.as_str().into();
        }
        json!({
            "name": "disk",
            "type": "SCALAR",
            "scalar": { "value": self.disk_mb.as_f64() },
            "reservations": [reservation(&self.role, self.principal.as_deref())],
            "disk": { "persistence": persistence, "volume": { "container_path": self.path, "mode": "RW" } },
        })
    }
}

fn reservation(role: &str, principal: Option<&str>) -> Value {
    let mut reservation = json!({ "type": "DYNAMIC", "role": role });
    if let Some(principal) = principal {
        reservation["principal"] = principal.into();
    }
    reservation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::resources::RoleResources;

    #[test]
    fn what_is_claimed_reads_as_it_was_written() {
        let volume = Volume::new("data", "db", 64.0, "data").principal("dba");
        let mut list = Reserved::new("db", Resources::new(1.0, 32.0)).to_v1();
        list.push(volume.to_v1());
        let read: RoleResources = serde_json::from_value(list.into()).expect("our own list");
        assert_eq!(read.reserved["db"], Resources::new(1.0, 32.0));
        assert_eq!(read.volumes["data"], Scalar::from(64.0));
        assert_eq!(volume.to_v1()["reservations"], volume.disk().to_v1()[0]["reservations"]);
    }
}
