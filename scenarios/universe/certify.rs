//! Every package is certified: those of this repository, and those in the folders that `HARNESS_PACKAGES` names.

use std::path::{Path, PathBuf};

use harness::certify::{Certifier, html};
use harness::error::Context as _;
use harness::evidence::{self, Check, Verdict, judge, not_applicable};
use harness::report::Outcome;
use harness::{Kind, Result};
use rstest::rstest;

/// Paths with colons between: packages, sources with one package, archives, or folders of these.
const PACKAGES: &str = "HARNESS_PACKAGES";

#[rstest]
#[tokio::test]
async fn package_does_what_it_promises(
    #[files("../fixtures/packages/*/repo/packages/*/*")]
    #[dirs]
    path: PathBuf,
) -> Verdict {
    certify(&path).await?;
    evidence::passed()
}

#[tokio::test]
async fn package_of_the_user_does_too() -> Verdict {
    let named = std::env::var_os(PACKAGES).unwrap_or_default();
    let paths: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if paths.is_empty() {
        return not_applicable(format!("{PACKAGES} names no package"));
    }
    for path in paths {
        for source in harness::package::source::open(&path)? {
            for package in &source.packages {
                let own = source.shown(package.folder.trim_end_matches('/'));
                // An archive has no path to a package in it.
                let own = if source.archived {
                    path.clone()
                } else {
                    PathBuf::from(own)
                };
                certify(&own).await?;
            }
        }
    }
    evidence::passed()
}

/// Each check of the certificate is one of the scenario.
async fn certify(path: &Path) -> std::result::Result<(), evidence::Failure> {
    let certificate = Certifier::of(path.display().to_string()).in_scenario().run().await?;
    attach(&certificate)?;
    for one in certificate
        .checks
        .iter()
        .filter(|one| one.outcome != Outcome::NotApplicable)
    {
        judge(Check {
            text: format!("{} {}: {}", certificate.subject.name, one.check.id(), one.demands),
            expected: Outcome::Passed.to_string(),
            actual: one.evidence.first().cloned().unwrap_or_else(|| one.outcome.to_string()),
            ok: matches!(one.outcome, Outcome::Passed | Outcome::Nonstrict),
            at: concat!(file!(), ":", line!()).to_owned(),
        })?;
    }
    Ok(())
}

fn attach(certificate: &harness::certify::Certificate) -> Result<()> {
    let name = format!("{}-{}", certificate.subject.name, certificate.subject.revision);
    let json = serde_json::to_vec_pretty(certificate).context(Kind::Internal, || "no certificate".to_owned())?;
    evidence::current().attach(&format!("certificate-{name}.json"), &json)?;
    evidence::current().attach(&format!("certificate-{name}.html"), html(certificate)?.as_bytes())?;
    Ok(())
}
