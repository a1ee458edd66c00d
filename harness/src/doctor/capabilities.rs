//! What the engine and the kernel can do: `capabilities.json` of a conformance run.

use std::collections::BTreeMap;

use bollard::models::SystemInfo;
use serde::{Deserialize, Serialize};

use super::{container, kernel};
use crate::certify::{PACKAGES, each};
use crate::docker::{Engine, engine};

/// The answer of one probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It works.
    Yes,
    /// It does not.
    No,
    /// It could not be asked.
    Unknown,
}

/// One thing that engine and kernel may be able to do, with how it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ability {
    /// Whether they can.
    pub answer: Answer,
    /// What was run or read.
    pub probe: String,
    /// What it said; the reason where the answer is not yes.
    pub output: String,
}

impl Ability {
    pub(super) fn new(answer: Answer, probe: impl Into<String>, output: impl Into<String>) -> Self {
        Ability {
            answer,
            probe: probe.into(),
            output: output.into(),
        }
    }

    pub(super) fn yes_if(holds: bool, probe: impl Into<String>, output: impl Into<String>) -> Self {
        Ability::new(if holds { Answer::Yes } else { Answer::No }, probe, output)
    }
}

/// The engine, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// As in `unix:///var/run/docker.sock`.
    pub address: String,
    /// As in `20.10.24`.
    pub version: String,
    /// As in `1.41`.
    pub api: String,
    /// As in `overlay2`.
    pub storage_driver: String,
    /// `1` or `2`.
    pub cgroup_version: String,
    /// `cgroupfs` or `systemd`.
    pub cgroup_driver: String,
    /// The program that `--init` puts first in a container; empty where there is none.
    pub init_binary: String,
    /// Where images and containers are kept on the engine's machine.
    pub data_root: String,
    /// As in `rootless` and `apparmor`.
    pub security_options: Vec<String>,
}

/// The machine that the containers run on, as the engine describes it; ours where there is no engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// As in `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    /// As in `6.1.0-18-amd64`.
    pub kernel: String,
    /// As in `x86_64`.
    pub architecture: String,
    /// How many.
    pub cpus: u64,
    /// In MiB.
    pub memory_mib: u64,
}

/// What a conformance report says of the machine, and what scenarios may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// `None` where no engine answers.
    pub engine: Option<EngineFacts>,
    /// The engine's machine.
    pub host: HostFacts,
    /// By name: `net-admin`, `netem`, `nftables`, `overlay`, `user-namespaces`, `cgroup-v1`, `cgroup-v2`,
    /// `cgroups-writable`, `cgroup-limits`, `privileged`, `node-addresses`; and `user-packages`.
    pub abilities: BTreeMap<String, Ability>,
}

/// Whether a run has packages of the user's own to judge: no property of the machine, and a feature all the same.
const USER_PACKAGES: &str = "user-packages";

/// The name of every ability that is probed; a requirement may need these features and no others.
pub fn ability_names() -> impl Iterator<Item = &'static str> {
    container::NAMES.into_iter().chain(kernel::NAMES).chain([USER_PACKAGES])
}

fn user_packages() -> Ability {
    let named = each::named();
    let names_some = each::paths(&named).next().is_some();
    let found = match names_some {
        true => named.to_string_lossy().into_owned(),
        false => "it names no package".to_owned(),
    };
    Ability::yes_if(names_some, format!("${PACKAGES}"), found)
}

impl Capabilities {
    /// True where `ability` was probed and works.
    #[must_use]
    pub fn can(&self, ability: &str) -> bool {
        self.answer(ability) == Answer::Yes
    }

    /// What is known of `ability`.
    #[must_use]
    pub fn answer(&self, ability: &str) -> Answer {
        self.abilities
            .get(ability)
            .map_or(Answer::Unknown, |ability| ability.answer)
    }
}

pub(super) async fn probe(connected: Option<&Engine>) -> Capabilities {
    let mut found = Capabilities {
        host: own_host(),
        ..Capabilities::default()
    };
    if let Some(engine) = connected {
        let info = engine.info().await.cloned().unwrap_or_default();
        found.host = host_of(&info);
        found.engine = Some(facts(engine, info));
        found.abilities.extend(container::abilities(engine).await);
    }
    let is_local = connected.is_none() || (cfg!(target_os = "linux") && engine::address().starts_with("unix://"));
    found.abilities.extend(kernel::abilities(is_local));
    found.abilities.insert(USER_PACKAGES.to_owned(), user_packages());
    found
}

fn facts(engine: &Engine, info: SystemInfo) -> EngineFacts {
    EngineFacts {
        address: engine::address(),
        version: engine.version.clone(),
        api: engine.api.clone(),
        storage_driver: info.driver.unwrap_or_default(),
        cgroup_version: info
            .cgroup_version
            .map(|version| version.to_string())
            .unwrap_or_default(),
        cgroup_driver: info.cgroup_driver.map(|driver| driver.to_string()).unwrap_or_default(),
        init_binary: info.init_binary.unwrap_or_default(),
        data_root: info.docker_root_dir.unwrap_or_default(),
        security_options: info.security_options.unwrap_or_default(),
    }
}

fn host_of(info: &SystemInfo) -> HostFacts {
    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    HostFacts {
        os: info.operating_system.clone().unwrap_or_default(),
        kernel: info.kernel_version.clone().unwrap_or_default(),
        architecture: info.architecture.clone().unwrap_or_default(),
        cpus: number(info.ncpu),
        memory_mib: number(info.mem_total) / (1 << 20),
    }
}

fn own_host() -> HostFacts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let release = read("/etc/os-release");
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    HostFacts {
        os: name.unwrap_or(std::env::consts::OS).trim_matches('"').to_owned(),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        cpus: std::thread::available_parallelism().map_or(0, |cpus| cpus.get() as u64),
        memory_mib: super::host::meminfo("MemTotal").unwrap_or(0),
    }
}
