//! The Docker engine, its networks and the image registry.

use super::{Capabilities, Check};
use crate::Error;
use crate::deadlines::REGISTRY_LOOK;
use crate::docker::{Engine, network};

/// What the Debian base is pulled as, where a registry answers.
const PUBLIC_IMAGE: &str = "debian:bookworm-slim";

pub(super) fn absent(error: &Error) -> Check {
    let remedy = error.hint_text().unwrap_or("`harness setup`").to_owned();
    Check::missing("docker engine", error.to_string(), remedy)
}

pub(super) async fn checks(engine: &Engine, capabilities: &Capabilities) -> Vec<Check> {
    let facts = capabilities.engine.clone().unwrap_or_default();
    let found = format!("{} (API {}) at {}", facts.version, facts.api, facts.address);
    let mut checks = vec![Check::ok("docker engine", found)];
    checks.push(match facts.storage_driver.as_str() {
        "vfs" => Check::warn(
            "storage driver",
            "vfs, which copies every layer whole",
            "let the engine use overlay2: its data folder on a file system that overlays take",
        ),
        other => Check::ok("storage driver", other),
    });
    checks.push(Check::ok(
        "cgroups of the engine",
        format!("version {}, driver {}", facts.cgroup_version, facts.cgroup_driver),
    ));
    checks.push(if facts.init_binary.is_empty() {
        let remedy = "install the engine's docker-init (Debian: apt-get install tini)";
        Check::missing("init program", "the engine has none, and nodes need `--init`", remedy)
    } else {
        Check::ok("init program", facts.init_binary)
    });
    let registry = engine.docker().inspect_registry_image(PUBLIC_IMAGE, None);
    checks.push(match tokio::time::timeout(REGISTRY_LOOK.limit(), registry).await {
        Ok(Ok(_)) => Check::ok("image registry", format!("answers for {PUBLIC_IMAGE}")),
        Ok(Err(error)) => no_registry(&error.to_string()),
        Err(_) => no_registry(&format!("no answer within {:?}", REGISTRY_LOOK.limit())),
    });
    checks.push(match network::free(engine).await {
        Ok((0, _)) => Check::missing(
            "subnets",
            "no /24 between 10.64.0.0 and 10.127.255.0 is free",
            "`harness sweep` removes what dead runs left; `docker network ls` and `ip route` show the rest",
        ),
        Ok((free, all)) => Check::ok(
            "subnets",
            format!("{free} of {all} /24s between 10.64.0.0 and 10.127.255.0 are free"),
        ),
        Err(error) => Check::not_probed("subnets", error.to_string()),
    });
    checks
}

/// Not a fault: the base is bootstrapped from Debian's packages instead.
fn no_registry(reason: &str) -> Check {
    let reason = reason.lines().next().unwrap_or_default();
    Check::ok(
        "image registry",
        format!("none answers, so the Debian base is bootstrapped ({reason})"),
    )
}
