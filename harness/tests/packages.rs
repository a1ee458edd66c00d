//! Packages: ours are sound, and each broken one is caught by its check.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use harness::certify::LiveCheck;
use harness::package::artefacts::Index;
use harness::package::lint::{Lint, Report};
use harness::package::render::{Files, labelled, labels};
use harness::package::{Check, Severity, archive, index, source};
use serde_json::json;

fn fixtures(path: &str) -> PathBuf {
    harness::workspace::fixtures().join(path)
}

fn lint(path: &Path) -> Report {
    let artefacts = Index::ours().expect("it is there");
    Lint {
        artefacts,
        offline: true,
    }
    .run(&source::open(path).expect("it is there"))
}

/// A folder of `fixtures/packages-broken/`, or what a test makes of the sound package.
enum Made {
    Fixture,
    /// An archive without scripts.
    Archive,
    /// Eleven revisions.
    Eleven,
    /// An artefact that is not what the index pins.
    Artefact,
}

/// A broken package.
struct Broken {
    /// The check that must catch it.
    check: Check,
    made: Made,
    /// What the same mistake means for other checks.
    also: &'static [Check],
}

const fn broken(check: Check) -> Broken {
    Broken {
        check,
        made: Made::Fixture,
        also: &[],
    }
}

/// One for every check.
const BROKEN: &[Broken] = &[
    broken(Check::SourceVersion),
    broken(Check::SourceIndex),
    Broken {
        check: Check::SourceScripts,
        made: Made::Archive,
        also: &[],
    },
    broken(Check::PackageFolder),
    broken(Check::PackageName),
    broken(Check::PackageRevisions),
    broken(Check::PackageVersion),
    Broken {
        check: Check::PackageOrder,
        made: Made::Eleven,
        also: &[],
    },
    broken(Check::FileMissing),
    broken(Check::FileUnknown),
    broken(Check::FileEncoding),
    broken(Check::JsonSyntax),
    broken(Check::JsonDuplicateKey),
    broken(Check::PackageSchema),
    broken(Check::ConfigSchema),
    broken(Check::CommandSchema),
    broken(Check::ResourceSchema),
    broken(Check::ConfigDefault),
    broken(Check::ConfigRequired),
    broken(Check::TemplateSyntax),
    broken(Check::TemplatePartial),
    broken(Check::TemplateUnknownOption),
    broken(Check::TemplateIgnoredOption),
    broken(Check::TemplateEscaped),
    broken(Check::RenderJson),
    broken(Check::RenderMarathon),
    broken(Check::RenderOption),
    broken(Check::RenderLoose),
    Broken {
        check: Check::AppPrivileged,
        made: Made::Fixture,
        also: &[Check::AssetMissing],
    },
    broken(Check::AppPortIndex),
    broken(Check::AppPortLabel),
    broken(Check::AppReservedLabel),
    broken(Check::AppHealthCheck),
    broken(Check::AppFramework),
    broken(Check::AssetUrl),
    Broken {
        check: Check::AssetLatest,
        made: Made::Fixture,
        also: &[Check::AssetPinned, Check::AssetMissing],
    },
    Broken {
        check: Check::AssetPinned,
        made: Made::Fixture,
        also: &[Check::AssetMissing],
    },
    broken(Check::AssetMissing),
    Broken {
        check: Check::AssetChanged,
        made: Made::Artefact,
        also: &[],
    },
];

fn sound(file: &str) -> Vec<u8> {
    std::fs::read(fixtures("packages-broken/sound/sound/0").join(file)).expect("it is there")
}

const SOUND: [&str; 3] = ["package.json", "config.json", "marathon.json"];

impl Broken {
    fn report(&self, scratch: &Path) -> Report {
        let fixture = fixtures("packages-broken").join(self.check.id());
        match self.made {
            Made::Fixture => lint(&fixture),
            Made::Archive => lint(&without_scripts(scratch)),
            Made::Eleven => lint(&eleven(scratch)),
            Made::Artefact => {
                let artefacts = scratch.join("artefacts.toml");
                let text = std::fs::read_to_string(fixtures("packages/artefacts.toml")).expect("it is there");
                std::fs::create_dir(scratch.join("artefacts")).expect("it is written");
                std::fs::write(scratch.join("artefacts/hello-1.pl"), "another file").expect("it is written");
                std::fs::write(&artefacts, text).expect("it is written");
                let artefacts = Index::read(&artefacts).expect("it is there");
                Lint {
                    artefacts,
                    offline: true,
                }
                .run(&source::open(&fixtures("packages-broken/sound")).expect("it is there"))
            }
        }
    }
}

fn without_scripts(scratch: &Path) -> PathBuf {
    let files: Vec<Vec<u8>> = SOUND.iter().map(|file| sound(file)).collect();
    let version = (
        String::from("top/repo/meta/version.json"),
        &br#"{"version": "1.0.0-rc1"}"#[..],
    );
    let package = SOUND.iter().zip(&files);
    let package = package.map(|(name, bytes)| (format!("top/repo/packages/S/sound/0/{name}"), bytes.as_slice()));
    let zip = scratch.join("sound.zip");
    std::fs::write(
        &zip,
        archive::write(std::iter::once(version).chain(package)).expect("it is written"),
    )
    .expect("it is written");
    zip
}

fn eleven(scratch: &Path) -> PathBuf {
    for revision in 0..11 {
        let folder = scratch.join("sound").join(revision.to_string());
        std::fs::create_dir_all(&folder).expect("it is written");
        for file in SOUND {
            let text = String::from_utf8(sound(file)).expect("it is there");
            let text = text.replace("\"version\": \"1.0.0\"", &format!("\"version\": \"1.{revision}.0\""));
            std::fs::write(folder.join(file), text).expect("it is written");
        }
    }
    scratch.to_owned()
}

#[test]
fn every_broken_package_is_caught_by_its_check_and_by_no_other() {
    let scratch = tempfile::tempdir().expect("it is there");
    let mut table = String::new();
    for (number, broken) in BROKEN.iter().enumerate() {
        let folder = scratch.path().join(number.to_string());
        std::fs::create_dir(&folder).expect("it is written");
        let report = broken.report(&folder);
        let mut expected: Vec<Check> = broken.also.iter().copied().chain([broken.check]).collect();
        expected.sort_unstable();
        assert_eq!(report.checks(), expected, "{}: {:#?}", broken.check, report.findings);
        let finding = report
            .findings
            .iter()
            .find(|finding| finding.check == broken.check)
            .expect("it is there");
        let place = finding
            .position
            .map_or_else(String::new, |position| format!(":{position}"));
        let file = Path::new(&finding.file)
            .file_name()
            .expect("it is there")
            .to_string_lossy();
        let message = finding.message.replace(&folder.display().to_string(), "[SCRATCH]");
        table.push_str(&format!(
            "{} {}\n    {file}{place}: {message}\n",
            finding.severity, broken.check
        ));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(harness::workspace::checkout().join("snapshots/packages"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("broken", table));
}

#[test]
fn every_check_has_a_broken_package_and_every_broken_package_a_check() {
    let caught: BTreeSet<Check> = BROKEN.iter().map(|broken| broken.check).collect();
    assert_eq!(caught, Check::ALL.iter().copied().collect());

    let mut folders: BTreeSet<String> = std::fs::read_dir(fixtures("packages-broken"))
        .expect("it is there")
        .filter_map(|entry| {
            let entry = entry.expect("it is there");
            entry
                .path()
                .is_dir()
                .then(|| entry.file_name().into_string().expect("it is there"))
        })
        .collect();
    assert!(folders.remove("sound") && folders.remove("artefacts"));
    // Those that need a cluster are the certifier's.
    folders.retain(|folder| !LiveCheck::ALL.iter().any(|check| check.id() == folder));
    let expected = BROKEN.iter().filter(|broken| matches!(broken.made, Made::Fixture));
    assert_eq!(folders, expected.map(|broken| broken.check.id().to_owned()).collect());
}

#[test]
fn our_packages_are_sound() {
    for path in ["packages", "packages-broken/sound"] {
        let report = lint(&fixtures(path));
        assert_eq!(report.findings, [], "{path}");
        assert!(
            report.packages.iter().all(|package| !package.revisions.is_empty()),
            "{path}"
        );
    }
    let report = lint(&fixtures("packages/universe/repo/packages/H/helloworld"));
    let revisions = &report.packages[0].revisions;
    assert_eq!(revisions.len(), 2, "an upgrade needs two");
    assert!(
        revisions
            .iter()
            .all(|revision| revision.renders > 20 && revision.refused > 20)
    );
}

#[test]
fn an_archive_of_a_source_is_as_sound_and_the_same_each_time() {
    let scratch = tempfile::tempdir().expect("it is there");
    for name in ["universe", "multiverse", "universe-2.x"] {
        let sources = source::open(&fixtures("packages").join(name)).expect("it is there");
        let zip = index::zip(&sources[0], name).expect("it is there");
        assert_eq!(zip, index::zip(&sources[0], name).expect("it is there"));
        let file = scratch.path().join(format!("{name}.zip"));
        std::fs::write(&file, zip).expect("it is written");
        let report = lint(&file);
        assert_eq!(report.findings, [], "{name}");
        // The index in it is one that its own build would write.
        let archived = source::open(&file).expect("it is there");
        let text = archived[0]
            .tree
            .get(&format!("{name}/repo/meta/index.json"))
            .expect("it is there");
        assert_eq!(
            text,
            index::text(&index::build(&archived[0]).expect("it is there"))
                .expect("it is there")
                .as_bytes()
        );
    }
}

#[test]
fn an_archive_of_two_folders_is_refused() {
    let scratch = tempfile::tempdir().expect("it is there");
    let file = scratch.path().join("two.zip");
    let bytes = archive::write([("a/x".to_owned(), &b""[..]), ("b/x".to_owned(), b"")]).expect("it is written");
    std::fs::write(&file, bytes).expect("it is written");
    let error = source::open(&file).expect_err("the client takes one folder");
    assert!(
        error.to_string().ends_with("2 names stand at its top: a/ b/"),
        "{error}"
    );
}

fn helloworld(revision: u32) -> Files {
    let sources = source::open(&fixtures("packages/universe")).expect("it is there");
    let package = sources[0].package("helloworld").expect("it is there");
    Files::read(&sources[0], package.revision(Some(revision)).expect("it is there")).0
}

#[test]
fn options_are_laid_over_the_defaults_and_wrong_ones_are_named() {
    let files = helloworld(1);
    let rendered = files
        .render(&json!({"helloworld": {"cpus": 0.5, "greeting": "It's me"}}))
        .expect("it is there");
    let app = rendered.app.expect("it is there");
    assert_eq!(
        (&app["cpus"], &app["mem"], &app["env"]["GREETING"]),
        (&json!(0.5), &json!(32), &json!("It's me"))
    );

    let wrong = json!({"helloworld": {"cpu": 1, "mem": 1}, "hello": {}});
    let error = files.render(&wrong).expect_err("three mistakes");
    assert_eq!(
        error.to_string(),
        "there is no option helloworld.cpu: did you mean helloworld.cpus?\nthere is no option hello\n\
         helloworld.mem: 1 is less than the minimum of 16"
    );
    assert_eq!(error.kind(), harness::Kind::Usage);
}

#[test]
fn the_client_adds_its_labels_over_those_of_the_template() {
    let files = helloworld(0);
    let rendered = files.render(&json!({})).expect("it is there");
    let added = labels(&files, &rendered, 0, "http://universe.example/repo.zip", "1.0.0-rc1");
    let app = labelled(rendered.app.as_ref().expect("it is there"), &added);
    assert_eq!(app["labels"]["DCOS_PACKAGE_NAME"], "helloworld");
    assert_eq!(app["labels"]["DCOS_PACKAGE_IS_FRAMEWORK"], "false");
    assert_eq!(app["labels"]["DCOS_PACKAGE_RELEASE"], "0");
    assert_eq!(app["labels"].get("DCOS_PACKAGE_FRAMEWORK_NAME"), None);
    // {"pip": ["http://…"]}, as Python writes it.
    let command = app["labels"]["DCOS_PACKAGE_COMMAND"].as_str().expect("it is there");
    assert!(command.starts_with("eyJwaXAiOiBbImh0dHA6Ly9"), "{command}");
}

#[test]
fn severities_of_missing_downloads_depend_on_the_network() {
    let sources = source::open(&fixtures("packages-broken/asset.missing")).expect("it is there");
    for (offline, severity) in [(true, Severity::Error), (false, Severity::Warning)] {
        let report = Lint {
            artefacts: Index::ours().expect("it is there"),
            offline,
        }
        .run(&sources);
        assert_eq!(report.findings[0].severity, severity);
    }
}
