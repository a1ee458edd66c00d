//! The schemas of a package's files: `fixtures/packages/schema/`, and the scripts that go into an archive with them.

use std::sync::LazyLock;

use jsonschema::Validator;

use super::options::{Misfit, misfits};
use super::source::Format;

macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/packages/", $path))
    };
}

/// A schema of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// package.json, by the format of its source.
    Package(Format),
    /// config.json.
    Config,
    /// command.json.
    Command,
    /// resource.json.
    Resource,
    /// The app that marathon.json renders to.
    Marathon,
    /// repo/meta/version.json.
    Version,
    /// repo/meta/index.json.
    Index,
}

const PACKAGE: &str = fixture!("schema/package-schema.json");
const PACKAGE_TWO: &str = fixture!("schema/package-schema-2.json");
const CONFIG: &str = fixture!("schema/config-schema.json");
const COMMAND: &str = fixture!("schema/command-schema.json");
const RESOURCE: &str = fixture!("schema/resource-schema.json");
const MARATHON: &str = fixture!("schema/marathon-schema.json");
const VERSION: &str = fixture!("schema/version-schema.json");
const INDEX: &str = fixture!("schema/index-schema.json");
const VALIDATE: &str = fixture!("scripts/1-validate-packages.sh");

impl Schema {
    fn validator(self) -> &'static Validator {
        static PACKAGE_ONE: LazyLock<Validator> = LazyLock::new(|| compile(PACKAGE));
        static PACKAGE_SECOND: LazyLock<Validator> = LazyLock::new(|| compile(PACKAGE_TWO));
        static CONFIG_ONE: LazyLock<Validator> = LazyLock::new(|| compile(CONFIG));
        static COMMAND_ONE: LazyLock<Validator> = LazyLock::new(|| compile(COMMAND));
        static RESOURCE_ONE: LazyLock<Validator> = LazyLock::new(|| compile(RESOURCE));
        static MARATHON_ONE: LazyLock<Validator> = LazyLock::new(|| compile(MARATHON));
        static VERSION_ONE: LazyLock<Validator> = LazyLock::new(|| compile(VERSION));
        static INDEX_ONE: LazyLock<Validator> = LazyLock::new(|| compile(INDEX));
        match self {
            Schema::Package(Format::One) => &PACKAGE_ONE,
            Schema::Package(Format::Two) => &PACKAGE_SECOND,
            Schema::Config => &CONFIG_ONE,
            Schema::Command => &COMMAND_ONE,
            Schema::Resource => &RESOURCE_ONE,
            Schema::Marathon => &MARATHON_ONE,
            Schema::Version => &VERSION_ONE,
            Schema::Index => &INDEX_ONE,
        }
    }

    /// What in `value` does not fit.
    #[must_use]
    pub fn misfits(self, value: &serde_json::Value) -> Vec<Misfit> {
        misfits(self.validator(), value)
    }
}

fn compile(text: &str) -> Validator {
    let schema = serde_json::from_str(text).expect("a test reads every schema");
    super::options::compile(&schema).expect("a test compiles every schema")
}

/// What an archive has beside its packages, by its place there.
pub(super) fn files(format: Format) -> Vec<(String, &'static str)> {
    let meta = |name: &str| format!("repo/meta/schema/{name}-schema.json");
    let package = match format {
        Format::One => PACKAGE,
        Format::Two => PACKAGE_TWO,
    };
    vec![
        (meta("command"), COMMAND),
        (meta("config"), CONFIG),
        (meta("index"), INDEX),
        (meta("marathon"), MARATHON),
        (meta("package"), package),
        (meta("resource"), RESOURCE),
        (meta("version"), VERSION),
        ("scripts/1-validate-packages.sh".to_owned(), VALIDATE),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_schema_is_one_and_refuses_something() {
        for schema in [
            Schema::Package(Format::One),
            Schema::Package(Format::Two),
            Schema::Config,
            Schema::Command,
            Schema::Resource,
            Schema::Marathon,
            Schema::Version,
            Schema::Index,
        ] {
            assert_ne!(schema.misfits(&json!([])), [], "{schema:?} takes a list");
        }
    }
}
