//! Every check that there is: what it demands and what to do where it is not met.

use std::fmt;

use serde::{Serialize, Serializer};

/// Whether a package can be released with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// It cannot: an install fails, or is not what was asked for.
    Error,
    /// It can, and somebody will be surprised.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

macro_rules! checks {
    ($($name:ident $id:literal $severity:ident $what:literal, $remedy:literal;)*) => {
        /// One rule for packages. Its name is permanent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = $what] $name,)*
        }

        impl Check {
            /// All of them, in the order of a package's way from files to an app.
            pub const ALL: &'static [Check] = &[$(Check::$name),*];

            /// As in `config.default`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Check::$name => $id,)* }
            }

            /// What it demands, as one sentence.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Check::$name => $what,)* }
            }

            /// What to do where it is not met, unless a finding knows better.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Check::$name => $remedy,)* }
            }

            /// How much it matters, unless a finding says otherwise.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Check::$name => Severity::$severity,)* }
            }
        }
    };
}

checks! {
    SourceVersion "source.version" Error
        "repo/meta/version.json names a format from 1.0 to below 3.0.",
        "write {\"version\": \"1.0.0-rc1\"}";
    SourceIndex "source.index" Error
        "repo/meta/index.json, where there is one, lists what the packages say.",
        "run `harness package index SOURCE --write`";
    SourceScripts "source.scripts" Error
        "An archive has a folder `scripts` beside `repo`: the client refuses it without.",
        "build the archive by `harness package zip`";
    PackageFolder "package.folder" Error
        "A package's folder stands in one named by the first letter of its name, in upper case.",
        "move the package";
    PackageName "package.name" Error
        "The name in package.json is the name of the folder.",
        "rename one of the two";
    PackageRevisions "package.revisions" Error
        "Revisions are folders 0, 1, 2 and so on without a gap, and nothing else stands beside them.",
        "number the folders from 0";
    PackageVersion "package.version" Warning
        "Each revision has a version of its own: the index keeps one revision for each version.",
        "give every revision a version of its own";
    PackageOrder "package.order" Warning
        "The index's currentVersion is the latest revision's: format 1.x takes the last folder by text, and \"9\" is after \"10\".",
        "drop revisions that nobody installs, or live with a search that shows the older version";
    FileMissing "file.missing" Error
        "A revision has package.json and config.json: the client reads both before it installs anything.",
        "add the file; a package without options has {\"type\": \"object\", \"properties\": {}}";
    FileUnknown "file.unknown" Warning
        "A revision has no file that no client reads.",
        "remove or rename it";
    FileEncoding "file.encoding" Error
        "Files are UTF-8.",
        "save it as UTF-8";
    JsonSyntax "json.syntax" Error
        "package.json, config.json, command.json and resource.json are JSON.",
        "correct the JSON there";
    JsonDuplicateKey "json.duplicate-key" Error
        "No object has a key twice: readers keep the last and say nothing.",
        "remove one of the two";
    PackageSchema "package.schema" Error
        "package.json fits the schema of its format.",
        "see fixtures/packages/schema/";
    ConfigSchema "config.schema" Error
        "config.json is a JSON schema (draft 4) of an object with properties.",
        "see json-schema.org, draft 4";
    CommandSchema "command.schema" Error
        "command.json has a list `pip` of requirement lines, and nothing else, with every option at its default.",
        "see fixtures/packages/schema/command-schema.json";
    ResourceSchema "resource.schema" Error
        "resource.json has images and assets, and nothing else.",
        "see fixtures/packages/schema/resource-schema.json";
    ConfigDefault "config.default" Error
        "The default of an option is one of the values that its own schema takes.",
        "change the default or the limits";
    ConfigRequired "config.required" Warning
        "A package installs without any option: what is required has a default, and is declared.",
        "give it a default, or say in preInstallNotes that it must be set";
    TemplateSyntax "template.syntax" Error
        "Templates are Mustache whose sections and tags end.",
        "close the section or the tag";
    TemplatePartial "template.partial" Error
        "Templates include no others: the client has no files to include, and writes nothing there.",
        "write the text itself";
    TemplateUnknownOption "template.unknown-option" Error
        "A template asks for nothing that config.json and resource.json do not declare: it would be nothing.",
        "declare the option or correct its name";
    TemplateIgnoredOption "template.ignored-option" Error
        "Every declared option is read by a template.",
        "use the option in the template, or remove it";
    TemplateEscaped "template.escaped" Error
        "No default is changed by HTML escaping, which {{x}} does to & < > \" and '.",
        "write {{{x}}} for this option";
    RenderJson "render.json" Error
        "What the template renders to with the defaults is JSON.",
        "correct the template there";
    RenderMarathon "render.marathon" Error
        "The app that it renders to with the defaults is one that Marathon takes.",
        "see fixtures/packages/schema/marathon-schema.json";
    RenderOption "render.option" Error
        "Each value that config.json names as allowed (enum, minimum, maximum, lengths, booleans) gives an app that \
         Marathon takes.",
        "correct the template, or what config.json allows";
    RenderLoose "render.loose" Warning
        "Values that config.json does not exclude (an empty text, a quote, a negative number) give an app that Marathon \
         takes.",
        "exclude the value in config.json by minimum, minLength, pattern or enum";
    AppPrivileged "app.privileged" Error
        "No container is privileged.",
        "name the capabilities it needs as docker parameters";
    AppPortIndex "app.port-index" Error
        "A health check's portIndex is the index of one of the app's ports.",
        "add the port, or correct the index; indexes begin at 0";
    AppPortLabel "app.port-label" Error
        "DCOS_SERVICE_PORT_INDEX is the index of one of the app's ports, and stands with DCOS_SERVICE_NAME and \
         DCOS_SERVICE_SCHEME.",
        "add the port or the labels, or correct the index; indexes begin at 0";
    AppReservedLabel "app.reserved-label" Warning
        "The template sets no label that the client overwrites.",
        "remove the label";
    AppHealthCheck "app.health-check" Warning
        "The app has a health check: without one nobody knows whether it works.",
        "add healthChecks";
    AppFramework "app.framework" Error
        "A framework names itself in the option `<package>.framework-name` or in the label \
         DCOS_PACKAGE_FRAMEWORK_NAME: else an uninstall leaves it registered.",
        "add the option `framework-name` in a group named as the package";
    AssetUrl "asset.url" Error
        "An asset is an absolute URL, an image reference or a requirement line.",
        "correct it";
    AssetLatest "asset.latest" Error
        "No image, URL or requirement is whatever is latest.",
        "name a version";
    AssetPinned "asset.pinned" Warning
        "What is downloaded is pinned by a hash: in the artefact index, a digest or a #sha256= fragment.",
        "add it to artefacts.toml with its sha256, or pin it where it stands";
    AssetMissing "asset.missing" Warning
        "Everything that is downloaded is in the artefact index, and can be had without a network.",
        "add it to artefacts.toml, under a URL that begins with http:// and names no port";
    AssetChanged "asset.changed" Error
        "An artefact is what the index pins.",
        "find out why it changed; then correct its sha256";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_a_sentence() {
        let mut ids: Vec<&str> = Check::ALL.iter().map(|check| check.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Check::ALL.len());
        for check in Check::ALL {
            assert!(check.what().ends_with('.') && !check.remedy().ends_with('.'), "{check}");
        }
    }
}
