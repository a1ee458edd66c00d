//! What a package downloads: pinned, the same tomorrow, and to be had on a cluster.

use super::Lint;
use crate::package::assets::{Asset, AssetKind};
use crate::package::checks::{Check, Severity};
use crate::package::finding::Finding;

impl Lint {
    pub(super) fn downloads(&self, assets: &[Asset], findings: &mut Vec<Finding>) {
        for asset in assets {
            let with = asset.option.as_ref().map(|option| format!(" (with {option})"));
            let name = format!("{}{}", asset.reference, with.unwrap_or_default());
            let mut add = |check: Check, message: String| {
                let mut finding = Finding::new(check, asset.file.clone(), message);
                finding.position = asset.position;
                if asset.unservable.is_some() {
                    finding = servably(finding);
                }
                if check == Check::AssetMissing && self.offline {
                    finding.severity = Severity::Error;
                }
                findings.push(finding);
            };
            if let Some(why) = &asset.malformed {
                add(Check::AssetUrl, format!("{:?}: {why}", asset.reference));
                continue;
            }
            // Pictures are shown by browsers; nothing that runs depends on them.
            if asset.kind == AssetKind::Picture {
                continue;
            }
            if let Some(why) = &asset.latest {
                add(Check::AssetLatest, format!("{name}: {why}"));
            }
            if !asset.pinned {
                add(Check::AssetPinned, format!("{name}: no hash pins it"));
            }
            if asset.unservable.is_some() {
                add(Check::AssetMissing, format!("{name}: no cluster can serve it"));
            } else if !asset.offline {
                add(
                    Check::AssetMissing,
                    format!("{name}: the artefact index does not have it"),
                );
            }
            let known = self.artefacts.get(&asset.reference);
            if let Some(Err(error)) = known.map(|artefact| self.artefacts.content(artefact)) {
                add(Check::AssetChanged, error.to_string());
            }
        }
    }
}

/// With the remedy for what no cluster can serve: that of its check alone would end with an index that none takes.
fn servably(finding: Finding) -> Finding {
    let served = "name it by an http:// URL without a port, in the package and in artefacts.toml: a cluster's Universe \
                  speaks plain HTTP on port 80 alone";
    match finding.check {
        Check::AssetPinned | Check::AssetMissing => finding.remedy(served),
        Check::AssetChanged => {
            let remedy = format!("{}; and {served}", finding.remedy);
            finding.remedy(remedy)
        }
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::package::artefacts::Index;
    use crate::package::lint::Report;
    use crate::package::source;
    use crate::workspace;

    fn sound(file: &str) -> String {
        let folder = workspace::fixtures().join("packages-broken/sound/sound/0");
        std::fs::read_to_string(folder.join(file)).expect("it is there")
    }

    /// The sound package with other files, and with an index of one artefact under that URL.
    fn altered(scratch: &Path, files: &[(&str, &str)], url: &str) -> Report {
        let folder = scratch.join("sound/0");
        std::fs::create_dir_all(&folder).expect("it is written");
        for file in ["package.json", "config.json", "marathon.json"] {
            let other = files.iter().find(|(name, _)| *name == file);
            let bytes = other.map_or_else(|| sound(file), |(_, text)| (*text).to_owned());
            std::fs::write(folder.join(file), bytes).expect("it is written");
        }
        let script = workspace::fixtures()
            .join("packages/artefacts/hello-1.pl")
            .display()
            .to_string();
        let sha256 = Index::ours().expect("it is there");
        let sha256 = &sha256
            .get("http://downloads.example/helloworld/hello-1.pl")
            .expect("it is there")
            .sha256;
        let index = scratch.join("artefacts.toml");
        let text = format!("[[artefact]]\nurl = {url:?}\nfile = {script:?}\nsha256 = {sha256:?}\n");
        std::fs::write(&index, text).expect("it is written");
        let artefacts = Index::read(&index).expect("it is an index");
        let offline = true;
        Lint { artefacts, offline }.run(&source::open(&scratch.join("sound")).expect("it is there"))
    }

    /// Each choice that an option has may bring a download of its own.
    #[test]
    fn downloads_behind_an_option_are_looked_for_too() {
        let scratch = tempfile::tempdir().expect("it is there");
        let options = "\"properties\": {\n        \"debug\": {\"type\": \"boolean\", \"default\": false},\n        \
                       \"tag\": {\"type\": \"string\", \"enum\": [\"1\", \"2\"], \"default\": \"1\"},\n        \"cpus\"";
        let config = sound("config.json").replace("\"properties\": {\n        \"cpus\"", options);
        let uris = "[\"http://downloads.example/helloworld/hello-{{sound.tag}}.pl\"{{#sound.debug}}, \
                    \"http://downloads.example/debug-1.pl\"{{/sound.debug}}]";
        let own = "[\"http://downloads.example/helloworld/hello-1.pl\"]";
        let marathon = sound("marathon.json").replace(own, uris);
        let files = [("config.json", config.as_str()), ("marathon.json", marathon.as_str())];
        let report = altered(scratch.path(), &files, "http://downloads.example/helloworld/hello-1.pl");
        let missing = report
            .findings
            .iter()
            .filter(|finding| finding.check == Check::AssetMissing);
        let mut missing: Vec<&str> = missing.map(|finding| finding.message.as_str()).collect();
        missing.sort_unstable();
        assert_eq!(
            missing,
            [
                "http://downloads.example/debug-1.pl (with sound.debug = true): the artefact index does not have it",
                "http://downloads.example/helloworld/hello-2.pl (with sound.tag = \"2\"): the artefact index does not have it",
            ],
            "{report:#?}"
        );
        let options = report.packages[0].revisions[0]
            .assets
            .iter()
            .map(|asset| asset.option.as_deref());
        assert_eq!(
            options.collect::<Vec<_>>(),
            [Some("sound.debug = true"), None, Some("sound.tag = \"2\"")]
        );
    }

    /// No remedy leads to a refusal: what no cluster serves is told where the file is still the user's to name.
    #[test]
    fn what_no_cluster_can_serve_is_told_with_what_one_can() {
        let scratch = tempfile::tempdir().expect("it is there");
        let text = sound("marathon.json");
        for (url, indexed) in [
            ("https://downloads.example/hello-1.pl", true),
            ("https://downloads.example/hello-1.pl", false),
            ("http://downloads.example:8080/hello-1.pl", true),
        ] {
            let marathon = text.replace("http://downloads.example/helloworld/hello-1.pl", url);
            let known = if indexed { url } else { "http://downloads.example/other" };
            let report = altered(scratch.path(), &[("marathon.json", &marathon)], known);
            let missing = report
                .findings
                .iter()
                .find(|finding| finding.check == Check::AssetMissing);
            let missing = missing.unwrap_or_else(|| panic!("{url}: {report:#?}"));
            assert_eq!(missing.severity, Severity::Error);
            assert_eq!(missing.message, format!("{url}: no cluster can serve it"));
            assert!(
                missing.remedy.starts_with("name it by an http:// URL without a port"),
                "{}",
                missing.remedy
            );
            let pinned = report
                .findings
                .iter()
                .find(|finding| finding.check == Check::AssetPinned);
            assert!(
                pinned.is_none_or(|finding| finding.remedy == missing.remedy),
                "{report:#?}"
            );
        }
        // As the remedy says it.
        let url = "http://downloads.example/hello-1.pl";
        let marathon = text.replace("http://downloads.example/helloworld/hello-1.pl", url);
        assert_eq!(
            altered(scratch.path(), &[("marathon.json", &marathon)], url).findings,
            []
        );
    }
}
