//! Keeping a scenario's cluster for a person to look at: `HARNESS_KEEP`.

use std::io::Write as _;
use std::str::FromStr;

use crate::report::Outcome;
use crate::{Error, Result};

/// Says which scenarios' clusters stay: `failed` or `always`.
pub const VARIABLE: &str = "HARNESS_KEEP";

/// Which clusters of scenarios stay after their end. A signal removes all the same: it is asked for by who sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// None.
    #[default]
    Never,
    /// Those of scenarios that did not pass.
    Failed,
    /// Every one.
    Always,
}

impl Keep {
    /// What `HARNESS_KEEP` says; nothing is kept where it says nothing.
    ///
    /// # Errors
    /// [`crate::Kind::Usage`] for another word.
    pub fn asked() -> Result<Self> {
        match std::env::var(VARIABLE) {
            Ok(word) => word
                .parse()
                .map_err(|error: Error| Error::usage(format!("{VARIABLE}={word}: {error}"))),
            Err(_) => Ok(Keep::Never),
        }
    }

    /// The word of it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Keep::Never => "never",
            Keep::Failed => "failed",
            Keep::Always => "always",
        }
    }

    /// Whether a cluster stays whose scenario has come to `outcome`; `None` where it ended without one.
    pub(crate) fn applies(self, outcome: Option<Outcome>) -> bool {
        match self {
            Keep::Never => false,
            Keep::Always => true,
            Keep::Failed => !matches!(
                outcome,
                Some(Outcome::Passed | Outcome::Skipped | Outcome::NotApplicable)
            ),
        }
    }
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" | "never" => Ok(Keep::Never),
            "failed" => Ok(Keep::Failed),
            "always" => Ok(Keep::Always),
            // clap shows no more than the summary.
            _ => Err(Error::usage(format!(
                "{text:?} does not say what to keep: failed or always"
            ))),
        }
    }
}

/// What to type to enter and to remove a cluster that was kept.
#[must_use]
pub fn commands(cluster: &str) -> String {
    format!("  enter it:  harness ssh --name {cluster} mesos-master1\n  remove it: harness down --name {cluster}")
}

/// Nobody may be there to read it.
pub(crate) fn tell(cluster: &str, keep: Keep) {
    let word = keep.word();
    let commands = commands(cluster);
    let _ = writeln!(
        std::io::stderr(),
        "kept the cluster {cluster}, as {VARIABLE}={word} asks:\n{commands}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_pass_is_kept_where_that_is_asked() {
        for (outcome, kept) in [
            (None, true),
            (Some(Outcome::Failed), true),
            (Some(Outcome::Errored), true),
            (Some(Outcome::Passed), false),
            (Some(Outcome::Skipped), false),
        ] {
            assert_eq!(Keep::Failed.applies(outcome), kept, "{outcome:?}");
            assert!(Keep::Always.applies(outcome) && !Keep::Never.applies(outcome));
        }
    }

    #[test]
    fn another_word_is_told() {
        let error = "sometimes".parse::<Keep>().expect_err("no such word");
        assert!(error.explain().contains("failed or always"), "{error:?}");
    }
}
