//! The one error type: it answers what was expected, what happened, what was run and where the evidence is.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault an error is, and so which exit code and which scenario outcome it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// The person gave something wrong: an option, a node name, a stack file, a catalogue entry.
    Usage,
    /// The Docker engine or the machine: absent, too old, refusing.
    Environment,
    /// An image or a downloaded artefact could not be had, or is not what the lock file says.
    Image,
    /// A component of the cluster exited, or never became ready.
    Component,
    /// Something that was waited for did not happen before its deadline.
    Deadline,
    /// A component answered, but not as its interface says.
    Answer,
    /// A package, or an archive of packages, is not as the format says.
    Package,
    /// Something of ours could not be removed.
    Cleanup,
    /// A signal asked us to stop.
    Interrupted,
    /// A fault of the harness itself.
    Internal,
}

/// One exit code of the `harness` program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode {
    /// 0 to 255.
    pub code: u8,
    /// What it means of most commands; empty where none of them ends with it.
    pub meaning: &'static str,
    /// What it means of `harness conform`, whose exit code is the verdict.
    pub conform: &'static str,
}

/// Every exit code there is: what `harness --help` and the README print. A command that runs another one on a node
/// exits as that one does.
pub const EXIT_CODES: [ExitCode; 7] = [
    ExitCode::new(0, "done", "conformant"),
    ExitCode::new(1, "the cluster or the package failed", "nonconformant"),
    ExitCode::new(2, "", "inconclusive or partial"),
    ExitCode::new(
        3,
        "the machine, the engine or an image failed",
        "the same, or the harness failed",
    ),
    ExitCode::new(4, "", "nothing ran"),
    ExitCode::new(64, "wrong usage", "wrong usage"),
    ExitCode::new(130, "interrupted (143 by SIGTERM, 129 by SIGHUP)", "interrupted"),
];

impl ExitCode {
    const fn new(code: u8, meaning: &'static str, conform: &'static str) -> Self {
        ExitCode { code, meaning, conform }
    }
}

impl Kind {
    /// The process exit code, one of [`EXIT_CODES`].
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 64,
            Kind::Environment | Kind::Image | Kind::Cleanup | Kind::Internal => 3,
            Kind::Component | Kind::Deadline | Kind::Answer | Kind::Package => 1,
            Kind::Interrupted => 130,
        }
    }

    /// True where the thing under test is at fault, and not the harness or the machine.
    #[must_use]
    pub fn is_subjects_fault(self) -> bool {
        matches!(self, Kind::Component | Kind::Deadline | Kind::Answer | Kind::Package)
    }
}

/// What went wrong, in the parts a reader asks for.
///
/// `Display` is the one-line summary: a lower-case fragment. [`Error::explain`] is all of it, and is what the CLI and
/// a failed scenario print.
pub struct Error(Box<Parts>);

struct Parts {
    kind: Kind,
    summary: String,
    expected: Option<String>,
    ran: Option<String>,
    evidence: Vec<String>,
    hint: Option<String>,
    http_status: Option<u16>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that happened as `summary` says.
    pub fn new(kind: Kind, summary: impl Into<String>) -> Self {
        Error(Box::new(Parts {
            kind,
            summary: summary.into(),
            expected: None,
            ran: None,
            evidence: Vec::new(),
            hint: None,
            http_status: None,
            source: None,
        }))
    }

    /// Shorthand for [`Kind::Usage`].
    pub fn usage(summary: impl Into<String>) -> Self {
        Error::new(Kind::Usage, summary)
    }

    /// Shorthand for [`Kind::Internal`].
    pub fn internal(summary: impl Into<String>) -> Self {
        Error::new(Kind::Internal, summary)
    }

    /// What should have happened instead.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// The command or request that was made, so that a reader can paste it.
    #[must_use]
    pub fn ran(mut self, command: impl Into<String>) -> Self {
        self.0.ran = Some(command.into());
        self
    }

    /// A file, or the tail of a log, that shows more. Kept in the order added.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.0.evidence.push(evidence.into());
        self
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The error underneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error as another's fault, where its caller knows better.
    #[must_use]
    pub(crate) fn blaming(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The status of the answer of a server that this is about.
    #[must_use]
    pub(crate) fn answered(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// The HTTP status that a server answered with where another was expected, as in 401.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What the reader can do about it, if anything is known.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What should have happened instead, if that is said.
    pub(crate) fn expected_text(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// Every part on lines of its own, causes included.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut lines = vec![self.0.summary.clone()];
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            lines.push(format!("  because: {error}"));
            cause = error.source();
        }
        let mut part = |name: &str, text: &str| {
            let text = text.trim_end().replace('\n', "\n            ");
            lines.push(format!("  {name:<9} {text}"));
        };
        if let Some(expected) = &self.0.expected {
            part("expected:", expected);
        }
        if let Some(ran) = &self.0.ran {
            part("ran:", ran);
        }
        for evidence in &self.0.evidence {
            part("evidence:", evidence);
        }
        if let Some(hint) = &self.0.hint {
            part("hint:", hint);
        }
        lines.join("\n")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.summary)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An object with `kind` (as in `usage`), `exit_code`, `message`, `causes` (outermost first), `expected`, `ran`,
/// `evidence` and `hint`: what [`Error::explain`] says, for a program.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        let mut object = serializer.serialize_struct("Error", 8)?;
        object.serialize_field("kind", &self.0.kind)?;
        object.serialize_field("exit_code", &self.0.kind.exit_code())?;
        object.serialize_field("message", &self.0.summary)?;
        object.serialize_field("causes", &causes)?;
        object.serialize_field("expected", &self.0.expected)?;
        object.serialize_field("ran", &self.0.ran)?;
        object.serialize_field("evidence", &self.0.evidence)?;
        object.serialize_field("hint", &self.0.hint)?;
        object.end()
    }
}

impl fmt::Debug for Error {
    /// A test that returns an error prints it with `Debug`: give its reader the whole explanation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explain())
    }
}

/// Turns any error into ours, saying what was being done.
pub trait Context<T> {
    /// `summary` says what could not be done.
    fn context(self, kind: Kind, summary: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: Kind, summary: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::new(kind, summary()).caused_by(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_exit_code_of_the_table() {
        for kind in [
            Kind::Usage,
            Kind::Environment,
            Kind::Image,
            Kind::Component,
            Kind::Deadline,
            Kind::Answer,
            Kind::Package,
            Kind::Cleanup,
            Kind::Interrupted,
            Kind::Internal,
        ] {
            let row = EXIT_CODES.iter().find(|row| row.code == kind.exit_code());
            assert!(row.is_some_and(|row| !row.meaning.is_empty()), "{kind:?}");
        }
    }

    #[test]
    fn a_program_reads_every_part_by_name() {
        let error = Error::usage("no").expected("yes").caused_by("because");
        let json = serde_json::to_value(&error).expect("it is written");
        assert_eq!(
            json,
            serde_json::json!({
                "kind": "usage", "exit_code": 64, "message": "no", "causes": ["because"],
                "expected": "yes", "ran": null, "evidence": [], "hint": null,
            })
        );
    }

    #[test]
    fn explains_every_part_in_order() {
        let error = Error::new(Kind::Deadline, "mesos-slave2 did not register within 20s")
            .expected("an agent at 10.9.1.102")
            .ran("curl http://10.9.1.11:5050/slaves")
            .evidence("two\nlines")
            .hint("look at `harness logs mesos-slave2`")
            .caused_by("connection refused");
        insta::assert_snapshot!(error.explain(), @r"
        mesos-slave2 did not register within 20s
          because: connection refused
          expected: an agent at 10.9.1.102
          ran:      curl http://10.9.1.11:5050/slaves
          evidence: two
                    lines
          hint:     look at `harness logs mesos-slave2`
        ");
    }
}
