//! How the master shares resources between roles (Mesos `docs/quota.md`, `docs/weights.md`).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::master::MasterClient;
use super::operator;
use crate::Result;
use crate::client::{Resources, Scalar};

/// What a role is promised and what it may have at most (`QuotaConfig`, since Mesos 1.9).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Quota {
    /// The role.
    pub role: String,
    /// What is kept for it.
    #[serde(default, deserialize_with = "amounts")]
    pub guarantees: Resources,
    /// What it never gets more of; a resource that is not named has no limit.
    #[serde(default, deserialize_with = "amounts")]
    pub limits: Resources,
}

#[derive(Deserialize)]
struct GetQuota {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    configs: Vec<Quota>,
}

/// `{"cpus": {"value": 1.0}}`.
fn amounts<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Resources, D::Error> {
    #[derive(Deserialize)]
    struct Amount {
        value: Scalar,
    }
    let mut all = std::collections::BTreeMap::<String, Amount>::deserialize(from)?;
    let mut take = |name: &str| all.remove(name).map(|amount| amount.value).unwrap_or_default();
    Ok(Resources {
        cpus: take("cpus"),
        mem_mb: take("mem"),
        disk_mb: take("disk"),
        gpus: take("gpus"),
        ..Resources::default()
    })
}

impl MasterClient {
    /// UPDATE_QUOTA: from now on the role gets no more than `limits`, where it names an amount.
    ///
    /// # Errors
    /// The request's.
    pub async fn update_quota(&self, role: &str, limits: &Resources) -> Result<()> {
        let scalars = limits.to_v1().into_iter().filter_map(|resource| {
            let name = resource["name"].as_str()?.to_owned();
            Some((name, resource.get("scalar")?.clone()))
        });
        let limits: Map<String, Value> = scalars.collect();
        let body = json!({ "force": false, "quota_configs": [{ "role": role, "limits": limits }] });
        operator::tell(self.http(), "UPDATE_QUOTA", Some(body)).await
    }

    /// SET_QUOTA: `guarantee` is kept for the role, and is also the most it gets. UPDATE_QUOTA, which took its place in
    /// Mesos 1.9, knows limits only.
    ///
    /// # Errors
    /// The request's; status 409 where the cluster has less, or the role has a quota already.
    pub async fn guarantee_quota(&self, role: &str, guarantee: &Resources) -> Result<()> {
        let request = json!({ "role": role, "guarantee": guarantee.to_v1(), "force": false });
        operator::tell(self.http(), "SET_QUOTA", Some(json!({ "quota_request": request }))).await
    }

    /// GET_QUOTA.
    ///
    /// # Errors
    /// The request's.
    pub async fn get_quota(&self) -> Result<Vec<Quota>> {
        let answer: GetQuota = operator::ask(self.http(), "GET_QUOTA", None).await?;
        Ok(answer.status.configs)
    }

    /// UPDATE_WEIGHTS: a role of twice the weight gets twice the share.
    ///
    /// # Errors
    /// The request's.
    pub async fn update_weight(&self, role: &str, weight: f64) -> Result<()> {
        let body = json!({ "weight_infos": [{ "role": role, "weight": weight }] });
        operator::tell(self.http(), "UPDATE_WEIGHTS", Some(body)).await
    }
}
