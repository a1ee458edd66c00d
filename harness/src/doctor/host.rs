//! The machine the harness itself runs on: tools, room, proxies and certificates.

use std::path::Path;

use super::{Capabilities, Check};
use crate::deadlines;
use crate::docker::{engine, room};
use crate::setup::{find_program, nextest, output_of};
use crate::stack::Stack;

/// What the nodes' own programs take beside what the agent offers to tasks, in MiB.
const COMPONENTS_MIB: u64 = 1024;
/// What the images and their build need, in MiB.
const IMAGES_MIB: u64 = 8 * 1024;

#[derive(PartialEq, Eq)]
enum Need {
    /// Nothing works without it.
    Always,
    /// There is another way.
    Comfort,
    /// The project installs it when it comes to that.
    OnDemand,
}

struct Tool {
    name: &'static str,
    programs: &'static [&'static str],
    need: Need,
    remedy: &'static str,
}

const TOOLS: [Tool; 6] = [
    Tool {
        name: "cargo",
        programs: &["cargo"],
        need: Need::Always,
        remedy: "install a Rust toolchain (rustup), and have ~/.cargo/bin on the search path",
    },
    Tool {
        name: "rustc",
        programs: &["rustc"],
        need: Need::Always,
        remedy: "install a Rust toolchain (rustup), and have ~/.cargo/bin on the search path",
    },
    Tool {
        name: "C compiler",
        programs: &["cc", "gcc", "clang"],
        need: Need::Always,
        remedy: "Debian and Ubuntu: apt-get install build-essential",
    },
    Tool {
        name: "C++ compiler",
        programs: &["c++", "g++", "clang++"],
        need: Need::Always,
        remedy: "Debian and Ubuntu: apt-get install build-essential",
    },
    Tool {
        name: "make",
        programs: &["make"],
        need: Need::Comfort,
        remedy: "Debian and Ubuntu: apt-get install make; or call `cargo run -p harness -- VERB`",
    },
    Tool {
        name: "mmdebstrap",
        programs: &["mmdebstrap", "debootstrap"],
        need: Need::OnDemand,
        remedy: "installed when no image registry answers and the Debian base must be bootstrapped",
    },
];

pub(super) async fn tools() -> Vec<Check> {
    let mut checks = Vec::new();
    for tool in TOOLS {
        checks.push(check_tool(&tool).await);
    }
    checks.push(match nextest::pip().await {
        Ok(way) => Check::ok("pip", way.join(" ")),
        Err(error) => Check::warn("pip", error.to_string(), error.hint_text().unwrap_or_default()),
    });
    checks.push(check_nextest().await);
    checks
}

async fn check_tool(tool: &Tool) -> Check {
    let Some(program) = tool.programs.iter().find_map(|program| find_program(program)) else {
        let found = format!("no {} on the search path", tool.programs.join(", "));
        return match tool.need {
            Need::Always => Check::missing(tool.name, found, tool.remedy),
            Need::Comfort => Check::warn(tool.name, found, tool.remedy),
            Need::OnDemand => Check::ok(tool.name, format!("{found}: {}", tool.remedy)),
        };
    };
    let name = program.to_string_lossy();
    match output_of(&[&name, "--version"], deadlines::EXEC).await {
        Ok(said) => Check::ok(
            tool.name,
            format!("{} ({name})", said.lines().next().unwrap_or_default()),
        ),
        Err(error) if tool.need == Need::Always => Check::missing(tool.name, error.to_string(), tool.remedy),
        Err(error) => Check::warn(tool.name, error.to_string(), tool.remedy),
    }
}

async fn check_nextest() -> Check {
    const NAME: &str = "cargo-nextest";
    const REMEDY: &str = "`harness setup` installs it";
    let required = match nextest::required() {
        Ok(required) => required,
        Err(error) => return Check::not_probed(NAME, error.to_string()),
    };
    match nextest::installed().await {
        Ok(Some(found)) if found.version >= required => Check::ok(
            NAME,
            format!("{} ({})", nextest::display(found.version), found.path.display()),
        ),
        Ok(Some(found)) => {
            let (version, least) = (nextest::display(found.version), nextest::display(required));
            let told = format!("{version} ({}) is older than {least}", found.path.display());
            Check::missing(NAME, told, REMEDY)
        }
        Ok(None) => Check::missing(NAME, "`cargo nextest` does not answer", REMEDY),
        Err(error) => Check::missing(NAME, error.to_string(), REMEDY),
    }
}

pub(super) fn resources(capabilities: &Capabilities) -> Vec<Check> {
    let offered = Stack::load(None).map_or(0.0, |stack| stack.agent_on("mesos-slave1").resources.scalar("mem"));
    // An offer is a whole number of megabytes.
    let needed = offered.round() as u64 + COMPONENTS_MIB;
    let is_here = cfg!(target_os = "linux") && engine::address().starts_with("unix://");
    let (memory, what) = match meminfo("MemAvailable").filter(|_| is_here) {
        Some(available) => (available, "available"),
        None => (capabilities.host.memory_mib, "in the engine's machine"),
    };
    let found = format!("{memory} MiB {what}; a cluster of one slave with all its tasks needs {needed} MiB");
    let mut checks = vec![match memory {
        0..COMPONENTS_MIB => Check::missing("memory", found, "give the machine more memory"),
        _ if memory < needed => {
            let remedy = "offer less: [node.mesos-slave1] resources in a stack file, or end other programs";
            Check::warn("memory", found, remedy)
        }
        _ => Check::ok("memory", found),
    }];
    let data_root = capabilities
        .engine
        .as_ref()
        .map_or("/var/lib/docker", |engine| &engine.data_root);
    if room::is_here(data_root) {
        checks.push(disk(data_root, room::free_mib(Path::new(data_root))));
    } else {
        checks.push(Check::not_probed(
            "disk",
            format!("the engine's {data_root} is not on this machine"),
        ));
    }
    checks
}

fn disk(folder: &str, free: std::io::Result<u64>) -> Check {
    let free = match free {
        Ok(free) => free,
        Err(error) => return Check::not_probed("disk", format!("{folder}: {error}")),
    };
    let found = format!("{free} MiB free in {folder}; the images and their build need {IMAGES_MIB} MiB");
    let remedy = "make room: `harness images prune`, `docker system df`";
    match free {
        0..room::BUILD_MIB => Check::missing("disk", found, remedy),
        _ if free < IMAGES_MIB => Check::warn("disk", found, remedy),
        _ => Check::ok("disk", found),
    }
}

/// A field of `/proc/meminfo`, in MiB.
pub(super) fn meminfo(field: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

pub(super) fn surroundings() -> Vec<Check> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    vec![certificates(variable), proxies(variable)]
}

/// The variables by which common clients are told of a bundle of certificates.
const BUNDLES: [&str; 4] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT"];

fn certificates(variable: impl Fn(&str) -> Option<String>) -> Check {
    const NAME: &str = "CA bundle";
    let named: Vec<(&str, String)> = BUNDLES
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)))
        .collect();
    let unusable = named.iter().find(|(_, path)| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        !text.contains("-----BEGIN CERTIFICATE-----")
    });
    if let Some((name, path)) = unusable {
        let found = format!("{name} names {path}, which holds no certificate");
        return Check::warn(NAME, found, format!("correct {name}, or unset it"));
    }
    match named.first() {
        Some((name, path)) => Check::ok(NAME, format!("{path} ({name})")),
        None => Check::ok(NAME, "none configured: the system's own"),
    }
}

fn proxies(variable: impl Fn(&str) -> Option<String>) -> Check {
    const NAME: &str = "proxies";
    let either = |upper: &str| variable(upper).or_else(|| variable(&upper.to_lowercase()));
    let named: Vec<String> = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .into_iter()
        .filter_map(|name| Some(format!("{name} {}", without_secret(&either(name)?))))
        .collect();
    if named.is_empty() {
        return Check::ok(NAME, "none");
    }
    let exceptions = either("NO_PROXY").unwrap_or_default();
    let covers = exceptions
        .split(',')
        .any(|entry| matches!(entry.trim(), "*" | "10.0.0.0/8"));
    if covers {
        return Check::ok(NAME, named.join(", "));
    }
    let remedy = "add 10.0.0.0/8 to NO_PROXY: clients of yours must reach nodes without the proxy";
    Check::warn(
        NAME,
        format!("{}; NO_PROXY is {exceptions:?}", named.join(", ")),
        remedy,
    )
}

/// `http://user:secret@host` without what stands before the `@`.
fn without_secret(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() {
        host.to_owned()
    } else {
        format!("{scheme}://{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_proxys_secret_is_not_told() {
        assert_eq!(without_secret("http://me:s3cret@proxy:3128"), "http://proxy:3128");
        assert_eq!(without_secret("proxy:3128"), "proxy:3128");
    }

    #[test]
    fn a_proxy_must_leave_nodes_alone() {
        let with = |exceptions: &'static str| {
            move |name: &str| match name {
                "https_proxy" => Some("http://u:p@proxy:3128".to_owned()),
                "NO_PROXY" => Some(exceptions.to_owned()),
                _ => None,
            }
        };
        let check = proxies(with("localhost"));
        assert_eq!(check.verdict, Verdict::Warn);
        assert_eq!(check.found, "HTTPS_PROXY http://proxy:3128; NO_PROXY is \"localhost\"");
        assert_eq!(proxies(with("localhost, 10.0.0.0/8")).verdict, Verdict::Ok);
        assert_eq!(proxies(|_| None).found, "none");
    }

    #[test]
    fn a_full_disk_is_missing_and_a_small_one_a_warning() {
        let verdict = |free: u64| disk("/var/lib/docker", Ok(free)).verdict;
        assert_eq!(verdict(room::BUILD_MIB - 1), Verdict::Missing);
        assert_eq!(verdict(room::BUILD_MIB), Verdict::Warn);
        assert_eq!(verdict(IMAGES_MIB), Verdict::Ok);
        let check = disk("/var/lib/docker", Ok(100));
        assert!(check.found.starts_with("100 MiB free in /var/lib/docker"), "{check:?}");
        let unknown = disk("/nowhere", std::io::Result::Err(std::io::ErrorKind::NotFound.into()));
        assert_eq!(unknown.verdict, Verdict::NotProbed);
    }

    #[test]
    fn a_bundle_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.pem");
        let name_it = |_: &str| Some(path.to_string_lossy().into_owned());
        assert_eq!(certificates(name_it).verdict, Verdict::Warn);
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
        assert_eq!(certificates(name_it).verdict, Verdict::Ok);
        assert_eq!(certificates(|_| None).verdict, Verdict::Ok);
    }
}
