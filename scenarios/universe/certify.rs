//! Every package is certified: those of this repository, and those in the folders that `HARNESS_PACKAGES` names.

use std::path::PathBuf;

use harness::certify::{Certificate, Certifier, LiveCheck, PACKAGES, html};
use harness::error::Context as _;
use harness::evidence::{self, Check, Verdict, judge, not_applicable};
use harness::report::Outcome;
use harness::{Kind, Result, check};
use rstest::rstest;

/// The package whose app is a Docker container.
const DOCKER: &str = "spark";

#[rstest]
#[tokio::test]
async fn package_does_what_it_promises(
    #[files("../fixtures/packages/*/repo/packages/*/*")]
    #[dirs]
    path: PathBuf,
) -> Verdict {
    let certificate = certify(Certifier::of(path.display().to_string())).await?;
    if certificate.subject.name == DOCKER {
        let survived = certificate
            .checks
            .iter()
            .filter(|one| one.check.id() == LiveCheck::SurviveScheduler.id());
        let seen: Vec<&String> = survived.flat_map(|one| &one.evidence).collect();
        check!(
            seen.iter().any(|line| line.starts_with("the container mesos-")),
            "what Docker runs is killed there, and not what waits for it: {seen:?}"
        );
    }
    evidence::passed()
}

#[tokio::test]
async fn package_of_the_user_does_too() -> Verdict {
    let packages = Certifier::each_of_the_user()?;
    if packages.is_empty() {
        return not_applicable(format!("{PACKAGES} names no package"));
    }
    for package in packages {
        certify(package).await?;
    }
    evidence::passed()
}

/// Each check of the certificate is one of the scenario.
async fn certify(certifier: Certifier) -> std::result::Result<Certificate, evidence::Failure> {
    let certificate = certifier.in_scenario().run().await?;
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
    Ok(certificate)
}

fn attach(certificate: &Certificate) -> Result<()> {
    let name = format!("{}-{}", certificate.subject.name, certificate.subject.revision);
    let json = serde_json::to_vec_pretty(certificate).context(Kind::Internal, || "no certificate".to_owned())?;
    evidence::current().attach(&format!("certificate-{name}.json"), &json)?;
    evidence::current().attach(&format!("certificate-{name}.html"), html(certificate)?.as_bytes())?;
    Ok(())
}
