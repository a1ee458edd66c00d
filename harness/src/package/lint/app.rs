//! The app with the defaults: what Marathon takes, and what then goes wrong.

use serde_json::Value;

use crate::package::checks::Check;
use crate::package::finding::{Finding, Position};
use crate::package::json::Document;
use crate::package::mustache::Template;
use crate::package::options::declares;
use crate::package::render::Files;
use crate::package::source::Package;

/// The labels that dcos 0.3.6 writes over the template's.
const RESERVED: [&str; 8] = [
    "DCOS_PACKAGE_METADATA",
    "DCOS_PACKAGE_NAME",
    "DCOS_PACKAGE_VERSION",
    "DCOS_PACKAGE_SOURCE",
    "DCOS_PACKAGE_IS_FRAMEWORK",
    "DCOS_PACKAGE_RELEASE",
    "DCOS_PACKAGE_COMMAND",
    "DCOS_PACKAGE_REGISTRY_VERSION",
];

/// What Admin Router needs to find an app's page, beside the index.
const SERVICE: [&str; 2] = ["DCOS_SERVICE_NAME", "DCOS_SERVICE_SCHEME"];
const PORT_INDEX: &str = "DCOS_SERVICE_PORT_INDEX";

/// Collects findings of one template.
struct Found<'f> {
    file: &'f str,
    template: &'f Template,
    findings: &'f mut Vec<Finding>,
}

impl Found<'_> {
    /// With the place where `word` stands in the template, if it does.
    fn add(&mut self, check: Check, word: &str, message: String) {
        let mut finding = Finding::new(check, self.file, message);
        let offset = self.template.text.find(word).filter(|_| !word.is_empty());
        finding.position = offset.map(|offset| Position::of(&self.template.text, offset));
        self.findings.push(finding);
    }
}

pub(super) fn check(package: &Package, files: &Files, config: &Document, app: &Value, findings: &mut Vec<Finding>) {
    let Some((file, template)) = &files.marathon else {
        return;
    };
    let mut found = Found {
        file,
        template,
        findings,
    };
    privileged(app, &mut found);
    health(app, &mut found);
    labels(app, &mut found);
    framework(package, files, config, app, &mut found);
}

fn privileged(app: &Value, found: &mut Found<'_>) {
    let docker = &app["container"]["docker"];
    let mut parameters = docker["parameters"].as_array().into_iter().flatten();
    if docker["privileged"] == true {
        found.add(
            Check::AppPrivileged,
            "\"privileged\"",
            "its container is privileged".to_owned(),
        );
    } else if parameters.any(|one| one["key"] == "privileged" && one["value"] != "false") {
        found.add(
            Check::AppPrivileged,
            "\"privileged\"",
            "a docker parameter makes it privileged".to_owned(),
        );
    }
}

/// How many ports an app has: those of its mappings, else those it lists; one where it says nothing.
fn ports(app: &Value) -> usize {
    let length = |value: &Value| value.as_array().map(Vec::len);
    length(&app["container"]["docker"]["portMappings"])
        .or_else(|| length(&app["portDefinitions"]))
        .or_else(|| length(&app["ports"]))
        .unwrap_or(1)
}

fn has(ports: usize) -> String {
    match ports {
        0 => "the app has no ports".to_owned(),
        1 => "the app has one port, of index 0".to_owned(),
        more => format!("the app has {more} ports, up to index {}", more - 1),
    }
}

fn health(app: &Value, found: &mut Found<'_>) {
    let checks = app["healthChecks"].as_array().map_or(&[][..], Vec::as_slice);
    if checks.is_empty() {
        found.add(
            Check::AppHealthCheck,
            "\"healthChecks\"",
            "it has no health check".to_owned(),
        );
    }
    let ports = ports(app);
    for check in checks {
        let on_port = check["protocol"].as_str().unwrap_or("HTTP") != "COMMAND" && check.get("port").is_none();
        let index = check["portIndex"].as_u64().unwrap_or(0);
        if on_port && usize::try_from(index).map_or(true, |index| index >= ports) {
            let message = format!("a health check is of port index {index}, and {}", has(ports));
            found.add(Check::AppPortIndex, "\"portIndex\"", message);
        }
    }
}

fn labels(app: &Value, found: &mut Found<'_>) {
    let label = |name: &str| app["labels"][name].as_str();
    for name in RESERVED.into_iter().filter(|name| label(name).is_some()) {
        found.add(Check::AppReservedLabel, name, format!("the client overwrites {name}"));
    }
    let Some(index) = label(PORT_INDEX) else {
        for name in SERVICE.into_iter().filter(|name| label(name).is_some()) {
            found.add(
                Check::AppPortLabel,
                name,
                format!("{name} means nothing without {PORT_INDEX}"),
            );
        }
        return;
    };
    for name in SERVICE.into_iter().filter(|name| label(name).is_none()) {
        found.add(
            Check::AppPortLabel,
            PORT_INDEX,
            format!("{PORT_INDEX} means nothing without {name}"),
        );
    }
    let ports = ports(app);
    if index.parse::<usize>().map_or(true, |index| index >= ports) {
        found.add(
            Check::AppPortLabel,
            PORT_INDEX,
            format!("{PORT_INDEX} is {index:?}, and {}", has(ports)),
        );
    }
}

fn framework(package: &Package, files: &Files, config: &Document, app: &Value, found: &mut Found<'_>) {
    let framework = files
        .package
        .as_ref()
        .is_some_and(|package| package.value["framework"] == true);
    let label = app["labels"]["DCOS_PACKAGE_FRAMEWORK_NAME"].as_str();
    let by_option = declares(&config.value, &format!("{}.framework-name", package.name));
    if framework && !by_option && label.is_none_or(str::is_empty) {
        let message = format!(
            "package.json says that it is a framework, and neither {}.framework-name nor a label names it",
            package.name
        );
        found.add(Check::AppFramework, "", message);
    }
}
