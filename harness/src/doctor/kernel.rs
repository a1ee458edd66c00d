//! What the kernel can do, as far as the host's own files tell, and what each ability is for.

use std::path::Path;

use super::{Ability, Answer, Capabilities, Check, Verdict};

pub(super) const NAMES: [&str; 6] = [
    "cgroup-v1",
    "cgroup-v2",
    "cgroups-writable",
    "cgroup-limits",
    "overlay",
    "user-namespaces",
];

/// `is_local`: the containers run on this machine's kernel.
pub(super) fn abilities(is_local: bool) -> Vec<(String, Ability)> {
    if !is_local {
        let elsewhere = || Ability::new(Answer::Unknown, "", "the engine runs on another machine");
        return NAMES.map(|name| (name.to_owned(), elsewhere())).to_vec();
    }
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let mounts = cgroup_mounts(&read("/proc/self/mounts"));
    let found = [
        hierarchies(&mounts, "cgroup"),
        hierarchies(&mounts, "cgroup2"),
        writable(&mounts),
        limits(&mounts),
        overlay(&read("/proc/filesystems")),
        user_namespaces(&read("/proc/sys/user/max_user_namespaces")),
    ];
    NAMES.map(str::to_owned).into_iter().zip(found).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct CgroupMount {
    folder: String,
    kind: String,
    /// Of version 1, its controllers are among them.
    options: Vec<String>,
}

impl CgroupMount {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }
}

/// Of the mount table: device, folder, type, options.
fn cgroup_mounts(table: &str) -> Vec<CgroupMount> {
    let mounts = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, folder, kind, options, ..] = fields[..] else {
            return None;
        };
        kind.starts_with("cgroup").then(|| CgroupMount {
            folder: folder.to_owned(),
            kind: kind.to_owned(),
            options: options.split(',').map(str::to_owned).collect(),
        })
    });
    mounts.collect()
}

fn hierarchies(mounts: &[CgroupMount], kind: &str) -> Ability {
    let folders: Vec<&str> = mounts
        .iter()
        .filter(|mount| mount.kind == kind)
        .map(|mount| mount.folder.as_str())
        .collect();
    let output = if folders.is_empty() {
        format!("no file system of type {kind} is mounted")
    } else {
        folders.join(" ")
    };
    Ability::yes_if(!folders.is_empty(), "/proc/self/mounts", output)
}

fn writable(mounts: &[CgroupMount]) -> Ability {
    if mounts.is_empty() {
        return Ability::new(Answer::No, "/proc/self/mounts", "no cgroup file system is mounted");
    }
    let read_only: Vec<&str> = mounts
        .iter()
        .filter(|mount| mount.has("ro"))
        .map(|mount| mount.folder.as_str())
        .collect();
    if !read_only.is_empty() {
        let output = format!("mounted read-only: {}", read_only.join(" "));
        return Ability::new(Answer::No, "/proc/self/mounts", output);
    }
    if !nix::unistd::geteuid().is_root() {
        return Ability::new(Answer::Yes, "/proc/self/mounts", "all are mounted read-write");
    }
    let probe = "mkdir and rmdir in each hierarchy";
    let refused = mounts.iter().find_map(|mount| {
        let folder = Path::new(&mount.folder).join(format!("mesos-harness-doctor-{}", std::process::id()));
        let tried = std::fs::create_dir(&folder).and_then(|()| std::fs::remove_dir(&folder));
        tried.err().map(|error| format!("{}: {error}", folder.display()))
    });
    match refused {
        Some(reason) => Ability::new(Answer::No, probe, reason),
        None => Ability::new(Answer::Yes, probe, format!("{} hierarchies", mounts.len())),
    }
}

/// What Mesos' linux launcher and its isolators for CPU and memory look for, in the one place where they do.
fn limits(mounts: &[CgroupMount]) -> Ability {
    let is_there = |controller: &str| {
        let usable = |mount: &&CgroupMount| mount.kind == "cgroup" && mount.has(controller) && !mount.has("ro");
        let mut mounts = mounts.iter().filter(usable);
        mounts.any(|mount| mount.folder.starts_with("/sys/fs/cgroup/"))
    };
    let missing: Vec<&str> = ["freezer", "cpu", "cpuacct", "memory"]
        .into_iter()
        .filter(|controller| !is_there(controller))
        .collect();
    let output = match missing.is_empty() {
        true => "freezer, cpu, cpuacct and memory of version 1 are mounted read-write".to_owned(),
        false => format!(
            "not mounted read-write below /sys/fs/cgroup, in version 1: {}",
            missing.join(", ")
        ),
    };
    Ability::yes_if(missing.is_empty(), "/proc/self/mounts", output)
}

fn overlay(filesystems: &str) -> Ability {
    let known = filesystems.split_whitespace().any(|word| word == "overlay");
    let output = if known {
        "overlay is known"
    } else {
        "overlay is not loaded"
    };
    // A module that nobody has asked for yet is not listed, so its absence proves nothing.
    let answer = if known { Answer::Yes } else { Answer::Unknown };
    Ability::new(answer, "/proc/filesystems", output)
}

fn user_namespaces(limit: &str) -> Ability {
    let limit: u64 = limit.trim().parse().unwrap_or(0);
    Ability::yes_if(
        limit > 0,
        "/proc/sys/user/max_user_namespaces",
        format!("at most {limit}"),
    )
}

/// What each ability is needed for, and what helps; `None` where an absence costs nothing.
const NEEDS: [(&str, &str, Option<&str>); 9] = [
    (
        "node-addresses",
        "the host reaches nodes by their addresses",
        Some("run the tests inside the cluster's network: see the README on Docker Desktop"),
    ),
    (
        "net-admin",
        "network partitions",
        Some("let containers have the capability NET_ADMIN; without it, partition scenarios are not applicable"),
    ),
    (
        "nftables",
        "network partitions",
        Some("load the kernel's module nf_tables; without it, partition scenarios are not applicable"),
    ),
    (
        "netem",
        "slow and lossy networks",
        Some("modprobe sch_netem; without it, latency and loss scenarios are not applicable"),
    ),
    (
        "cgroups-writable",
        "tasks' limits",
        Some("mount the cgroup hierarchies read-write"),
    ),
    (
        "cgroup-limits",
        "agents that enforce what a task may use",
        Some(
            "boot with systemd.unified_cgroup_hierarchy=0: Mesos up to 1.11 knows cgroup version 1 only; without it, \
             scenarios of memory and CPU limits are not applicable",
        ),
    ),
    ("overlay", "fast images", Some("modprobe overlay")),
    ("user-namespaces", "sandboxes of unprivileged users", None),
    (
        "privileged",
        "containers with every privilege; ours never ask for it",
        None,
    ),
];

pub(super) fn checks(capabilities: &Capabilities) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, need, remedy) in NEEDS {
        let Some(ability) = capabilities.abilities.get(name) else {
            continue;
        };
        let found = format!("{} (for {need})", ability.output);
        checks.push(match ability.answer {
            Answer::Yes => Check::ok(name, found),
            Answer::Unknown => Check::not_probed(name, found),
            Answer::No => match remedy {
                Some(remedy) => Check::warn(name, found, remedy),
                None => Check::new(name, Verdict::Ok, format!("no: {found}"), None),
            },
        });
    }
    let versions = ["cgroup-v1", "cgroup-v2"];
    let has = |name: &&str| capabilities.answer(name) == Answer::Yes;
    if versions.iter().all(|name| capabilities.answer(name) == Answer::No) {
        let remedy = "mount a cgroup hierarchy (Debian: apt-get install cgroupfs-mount)";
        checks.push(Check::missing("cgroups", "no hierarchy is mounted", remedy));
    } else if versions.iter().any(has) {
        let found: Vec<&str> = versions.into_iter().filter(|name| has(name)).collect();
        checks.push(Check::ok("cgroups", found.join(" and ")));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_table_tells_versions_and_modes() {
        let table = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/cpu cgroup rw,nosuid,cpu 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 ro,nosuid 0 0\n";
        let mounts = cgroup_mounts(table);
        assert_eq!(mounts.len(), 2);
        assert_eq!(hierarchies(&mounts, "cgroup").output, "/sys/fs/cgroup/cpu");
        assert_eq!(writable(&mounts).output, "mounted read-only: /sys/fs/cgroup/unified");
        assert_eq!(writable(&[]).answer, Answer::No);
    }

    #[test]
    fn limits_need_every_hierarchy_of_version_1_writable() {
        let of = |table: &str| limits(&cgroup_mounts(table));
        let separate: String = ["freezer", "cpu", "cpuacct", "memory"]
            .map(|name| format!("cgroup /sys/fs/cgroup/{name} cgroup rw,relatime,{name} 0 0\n"))
            .concat();
        assert_eq!(of(&separate).answer, Answer::Yes);
        let read_only = of(&separate.replace("rw,relatime,memory", "ro,memory"));
        assert_eq!(read_only.answer, Answer::No);
        assert!(read_only.output.ends_with(": memory"), "{}", read_only.output);
        let unified = of("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n");
        assert!(
            unified.output.ends_with(": freezer, cpu, cpuacct, memory"),
            "{}",
            unified.output
        );
    }

    #[test]
    fn a_filesystem_is_known_by_its_whole_name() {
        assert_eq!(overlay("nodev\toverlay\n\text4\n").answer, Answer::Yes);
        assert_eq!(overlay("nodev\toverlayfs\n").answer, Answer::Unknown);
    }

    #[test]
    fn namespaces_need_room() {
        assert_eq!(user_namespaces("95616\n").answer, Answer::Yes);
        assert_eq!(user_namespaces("0").answer, Answer::No);
    }
}
