//! Which Debian packages an image holds, as its build recorded them.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::{Images, cache};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// Where `install-packages` leaves its record.
const RECORD: &str = "/usr/share/mesos-harness/packages.tsv";

/// One installed package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebianPackage {
    /// As in `zookeeper`.
    pub name: String,
    /// Debian's version, with its revision.
    pub version: String,
    /// Of the `.deb`, in lower-case hex; `unknown` where the archive no longer listed it at build time.
    pub sha256: String,
}

impl Images {
    /// One package of an image.
    ///
    /// # Errors
    /// [`Kind::Image`] where the image is absent, keeps no record, or has no such package.
    pub async fn debian_package(&self, reference: &str, package: &str) -> Result<DebianPackage> {
        let packages = self.debian_packages(reference).await?;
        let found = packages.into_iter().find(|found| found.name == package);
        found.ok_or_else(|| {
            Error::new(Kind::Image, format!("{reference} holds no Debian package {package}"))
                .expected(format!("a line of {RECORD} in the image"))
                .ran(format!("docker run --rm --entrypoint cat {reference} {RECORD}"))
        })
    }

    /// All packages of an image. It is not run; what was read once is kept by the image's id.
    ///
    /// # Errors
    /// [`Kind::Image`] where the image is absent or keeps no record.
    pub async fn debian_packages(&self, reference: &str) -> Result<Vec<DebianPackage>> {
        let found = self.inspect(reference).await?;
        let id = found
            .and_then(|found| found.id)
            .ok_or_else(|| Error::new(Kind::Image, format!("there is no image {reference}")))?;
        let folder = cache::folder(&self.cache, "packages")?;
        let kept = folder.join(format!("{}.tsv", id.trim_start_matches("sha256:")));
        if let Ok(text) = std::fs::read_to_string(&kept) {
            return parse(&text, reference);
        }
        let mut record = self
            .with_container(&id, "read", vec!["never-started".to_owned()], async |container| {
                self.copy_out(container, RECORD).await
            })
            .await
            .map_err(|error| error.expected(format!("{reference} holds {RECORD}, as install-packages writes it")))?;
        let mut text = String::new();
        record
            .read_to_string(&mut text)
            .context(Kind::Image, || format!("{RECORD} of {reference} cannot be read"))?;
        let packages = parse(&text, reference)?;
        let mut scratch = cache::scratch(&folder)?;
        std::io::Write::write_all(&mut scratch, text.as_bytes())
            .context(Kind::Environment, || format!("{} cannot be written", kept.display()))?;
        cache::persist(scratch, &kept)?;
        Ok(packages)
    }
}

fn parse(text: &str, reference: &str) -> Result<Vec<DebianPackage>> {
    let line = |line: &str| {
        let mut columns = line.split('\t').map(str::to_owned);
        match (columns.next(), columns.next(), columns.next(), columns.next()) {
            (Some(name), Some(version), Some(sha256), None) => Ok(DebianPackage { name, version, sha256 }),
            _ => Err(Error::new(
                Kind::Image,
                format!("{RECORD} of {reference} has a line that is no record"),
            )
            .expected("name, version and sha256 with tabs between")
            .evidence(line.to_owned())),
        }
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_three_columns() {
        let packages = parse("zookeeper\t3.8.0-11\tabc\n", "x").unwrap();
        assert_eq!(packages[0].version, "3.8.0-11");
        let error = parse("zookeeper 3.8.0-11\n", "x").expect_err("no tabs");
        assert!(error.explain().contains("zookeeper 3.8.0-11"), "{error:?}");
    }
}
