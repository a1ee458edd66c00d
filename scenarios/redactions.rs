//! What differs from run to run in a document, and what stands there instead in a snapshot. One table for all components:
//!
//! | what | in | stands as |
//! |---|---|---|
//! | an address of the cluster's network | any string | `[address]` |
//! | an agent's id, `<uuid>-S<number>` | any string | `[agent-id]` |
//! | a framework's id, `<uuid>-<four digits>` | any string | `[framework-id]` |
//! | any other UUID | any string | `[uuid]` |
//! | a driver's id of Spark's dispatcher, `driver-<second>-<four digits>` | any string | `[driver-id]` |
//! | the time at the beginning of a line of log4j's, `yy/MM/dd HH:mm:ss` | any string | `[log-time]` |
//! | a time as Marathon writes it, `YYYY-MM-DDTHH:MM:SS.mmmZ` | any string | `[timestamp]` |
//! | the address in a `server` line of HAProxy's configuration | any string | `[server]` |
//! | seconds since the epoch, of today | a number in `*_time`, `timestamp`, `Serial` or `SOASerial` | `[time]` |
//! | a port that an agent gave to a task, out of 31000–32000 | a number in `ports` | `[port]` |
//! | how many offers came by, which nobody can know | a number in `*OffersCount`, `declined` or `processed` | `[offers]` |
//! | this machine's name servers | `Resolvers` | `[resolvers]` |
//! | an amount, which is on offer or not at any moment | a number in `offered_resources`, whose `ports` are left out | `[offered]` |
//! | a range of two ports out of 31000–32000 | `used_resources.ports` | `[two-ports]` |
//!
//! What is not of that shape stays as it is, and shows as a difference: a time of zero, an id of another form.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use harness::Cluster;
use harness::evidence::place::workspace_root;
use regex::Regex;
use serde_json::Value;

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const DAY_S: f64 = 86_400.0;

/// The rows that are about strings, the longer forms first.
static STRINGS: LazyLock<[(Regex, &str); 7]> = LazyLock::new(|| {
    let plain = |text: &str| Regex::new(text).expect("it is a regular expression");
    let regex = |suffix: &str| plain(&format!(r"\b{UUID}{suffix}\b"));
    [
        (regex(r"-S\d+"), "[agent-id]"),
        (regex(r"-\d{4}"), "[framework-id]"),
        (regex(""), "[uuid]"),
        (plain(r"\bdriver-\d{14}-\d{4}\b"), "[driver-id]"),
        (plain(r"(?m)^\d\d/\d\d/\d\d \d\d:\d\d:\d\d\b"), "[log-time]"),
        (plain(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b"), "[timestamp]"),
        (plain(r"(?m)^(  server \S+) \S+"), "$1 [server]"),
    ]
});
static PORTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\[3[12]\d{3}-3[12]\d{3}\]$").expect("it is a regular expression"));

/// Compares `document` with `snapshots/<component>/<name>.snap`.
pub(crate) fn assert_document(cluster: &Cluster, component: &str, name: &str, document: &Value) {
    let mut document = document.clone();
    redact(cluster, "", "", &mut document);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(workspace_root().join("snapshots").join(component));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_sort_maps(true);
    settings.bind(|| insta::assert_json_snapshot!(name, document));
}

/// As [`assert_document`], of what a command printed.
pub(crate) fn assert_text(cluster: &Cluster, component: &str, name: &str, text: &str) {
    let text = of_string(cluster, text);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(workspace_root().join("snapshots").join(component));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

fn redact(cluster: &Cluster, parent: &str, field: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // Ranges that are not on offer have no field.
            if field == "offered_resources" {
                fields.shift_remove("ports");
            }
            if let Some(resolvers) = fields.get_mut("Resolvers") {
                *resolvers = "[resolvers]".into();
            }
            for (name, inner) in fields {
                redact(cluster, field, name, inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(cluster, parent, field, item)),
        Value::String(text) if (parent, field) == ("used_resources", "ports") && two_ports(text) => {
            "[two-ports]".clone_into(text);
        }
        Value::String(text) => *text = of_string(cluster, text),
        Value::Number(number) if parent == "offered_resources" && number.as_f64() >= Some(0.0) => {
            *value = "[offered]".into();
        }
        Value::Number(number) if field == "ports" && is_given(number) => *value = "[port]".into(),
        Value::Number(_) if counts_offers(field) => *value = "[offers]".into(),
        Value::Number(number) if is_time(field) && number.as_f64().is_some_and(is_recent) => *value = "[time]".into(),
        _ => {}
    }
}

fn of_string(cluster: &Cluster, text: &str) -> String {
    let mut text = text.to_owned();
    for (regex, placeholder) in &*STRINGS {
        text = regex.replace_all(&text, *placeholder).into_owned();
    }
    for node in cluster.nodes() {
        text = text.replace(&node.address().to_string(), "[address]");
    }
    text
}

fn two_ports(text: &str) -> bool {
    let ends = text.trim_matches(['[', ']']).split_once('-');
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u32>().ok()?, last.parse::<u32>().ok()?)));
    PORTS.is_match(text) && ends.is_some_and(|(first, last)| last == first + 1)
}

fn is_time(field: &str) -> bool {
    field.ends_with("_time") || ["timestamp", "Serial", "SOASerial"].contains(&field)
}

fn is_given(port: &serde_json::Number) -> bool {
    port.as_u64().is_some_and(|port| (31_000..=32_000).contains(&port))
}

fn counts_offers(field: &str) -> bool {
    field.ends_with("OffersCount") || field == "declined" || field == "processed"
}

fn is_recent(seconds: f64) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64());
    (now - seconds).abs() < DAY_S
}
