//! A workspace with a catalogue, and a runner that does as it is told.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use harness::Result;
use harness::catalogue::Versions;
use harness::conform::{self, Finished, Options, Prepared};
use harness::report::model::{Capability, Docker};
use harness::stack::Stack;

const CATALOGUE: &str = r#"
[[requirement]]
id = "mesos.agent.joins"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "An agent MUST join."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/agent-recovery.md" }]

[[requirement]]
id = "mesos.task.finishes"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A task MUST finish."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/sandbox.md" }]

[[requirement]]
id = "mesos.security.authenticates"
level = "must"
profile = "mesos"
features = ["authentication"]
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A master MUST authenticate."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/authentication.md" }]

[[requirement]]
id = "mesos.agent.deactivates"
level = "must"
profile = "mesos"
applies = { versions = ">=1.12", why = "The call came with it." }
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "An agent MUST deactivate."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/operator-http-api.md" }]

[[requirement]]
id = "mesos.dns.resolves"
level = "must"
profile = "mesos"
class = "functional"
confidence = "deterministic"
channel = "stable"
since = "0.1.0"
statement = "A name MUST resolve."
sources = [{ project = "mesos", ref = "1.11.0", path = "docs/networking.md" }]
gap = "There are no names yet."
"#;

const LIST: &str = r#"{"rust-suites": {"scenarios::scenarios": {"testcases": {
    "mesos::agent::joins": {"ignored": false},
    "mesos::task::finishes": {"ignored": false},
    "mesos::agent::deactivates": {"ignored": false},
    "mesos::security::authenticates": {"ignored": false}}}}}"#;

/// Runs each test that the filter names, or both: a pass, unless `outcomes/<test>` says otherwise.
pub(crate) const RUN: &str = r#"
mkdir -p target/nextest/conform
junit=target/nextest/conform/junit.xml
echo '<testsuites name="nextest-run" tests="2" failures="0" errors="0"><testsuite name="s" tests="2" errors="0" failures="0">' > $junit.new
for test in mesos::agent::joins mesos::task::finishes; do
  case "$filter" in ""|*"test(=$test)"*) ;; *) continue ;; esac
  name=$(echo $test | sed 's/::/./g')
  outcome=$(cat outcomes/$name 2>/dev/null || echo passed)
  mkdir -p "$HARNESS_RUN_DIR/evidence/$name"
  printf '{"test":"%s","attempt":1,"started":"2030-01-01T00:00:00Z","outcome":"%s","reason":"as told","checks":[
    {"text":"it holds","expected":"1","actual":"1","ok":true,"at":"a.rs:1"}]}' $test $outcome \
    > "$HARNESS_RUN_DIR/evidence/$name/scenario.json"
  echo "<testcase name=\"$test\" classname=\"s\" time=\"0.5\"/>" >> $junit.new
done
echo '</testsuite></testsuites>' >> $junit.new
mv $junit.new $junit
"#;

pub(crate) struct Workspace {
    pub(crate) root: tempfile::TempDir,
}

impl Workspace {
    /// `list` and `run` are the bodies of the runner's two commands.
    pub(crate) fn new(list: &str, run: &str) -> Self {
        let workspace = Workspace {
            root: tempfile::tempdir().expect("a temporary folder"),
        };
        workspace.write("scenarios/requirements/mesos.toml", CATALOGUE);
        workspace.write("list.json", LIST);
        workspace.write(
            "nextest",
            &format!(
                "#!/bin/sh\nset -eu\n[ \"$1\" = nextest ]; shift\necho \"$@\" >> calls\n\
                 filter=; for word in \"$@\"; do case \"$word\" in *test\\(=*) filter=$word ;; esac; done\n\
                 case \"$1\" in\nlist)\n{list}\n;;\nrun)\n{run}\n;;\nesac\n"
            ),
        );
        std::fs::set_permissions(workspace.path("nextest"), PermissionsExt::from_mode(0o755)).expect("it is ours");
        workspace
    }

    pub(crate) fn healthy() -> Self {
        Workspace::new("cat list.json", RUN)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            root: self.root.path().to_path_buf(),
            command: "harness conform".to_owned(),
            ..Options::default()
        }
    }

    pub(crate) async fn conform(&self, change: impl FnOnce(&mut Options)) -> Result<Finished> {
        let mut options = self.options();
        change(&mut options);
        conform::run(&options, async || Ok(self.prepared())).await
    }

    pub(crate) fn prepared(&self) -> Prepared {
        Prepared {
            nextest: self.path("nextest"),
            docker: Docker::default(),
            capabilities: vec![Capability {
                feature: "authentication".to_owned(),
                supported: false,
                probe: "mesos-master --authenticate: refused".to_owned(),
            }],
            versions: Versions::of(&Stack::load(None).expect("the default stack is good")),
        }
    }

    pub(crate) fn calls(&self) -> String {
        std::fs::read_to_string(self.path("calls")).unwrap_or_default()
    }
}
