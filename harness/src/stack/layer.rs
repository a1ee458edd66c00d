//! One stack file, checked, before it is laid over another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Reader, Value, one_of};
use super::resources::{self, Attributes, Resources};
use super::{FileSource, Source, component_names, versions_of};
use crate::Result;

#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) file: String,
    pub(super) name: Option<String>,
    pub(super) components: BTreeMap<String, ComponentLayer>,
    pub(super) agent: AgentLayer,
    pub(super) nodes: BTreeMap<String, AgentLayer>,
}

#[derive(Debug, Default)]
pub(super) struct ComponentLayer {
    /// A version or an image.
    pub(super) source: Option<Source>,
    /// A folder to build over a version.
    pub(super) build: Option<PathBuf>,
    pub(super) args: Option<Vec<String>>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, FileSource>,
    pub(super) cmd: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct AgentLayer {
    pub(super) resources: Option<Resources>,
    pub(super) attributes: Option<Attributes>,
    pub(super) role: Option<String>,
}

impl Layer {
    pub(super) fn lay_over(&mut self, over: Layer) {
        self.name = over.name.or(self.name.take());
        for (name, layer) in over.components {
            let under = self.components.entry(name).or_default();
            if layer.source.is_some() || layer.build.is_some() {
                under.build = layer.build;
            }
            under.source = layer.source.or(under.source.take());
            under.args = layer.args.or(under.args.take());
            under.cmd = layer.cmd.or(under.cmd.take());
            under.env.extend(layer.env);
            under.files.extend(layer.files);
        }
        self.agent.lay_over(over.agent);
        for (node, layer) in over.nodes {
            self.nodes.entry(node).or_default().lay_over(layer);
        }
    }
}

impl AgentLayer {
    fn lay_over(&mut self, over: AgentLayer) {
        self.resources = over.resources.or(self.resources.take());
        self.attributes = over.attributes.or(self.attributes.take());
        self.role = over.role.or(self.role.take());
    }
}

const TOP: [&str; 4] = ["name", "component", "agent", "node"];
const COMPONENT: [&str; 7] = ["version", "image", "build", "args", "env", "files", "cmd"];
const AGENT: [&str; 3] = ["resources", "attributes", "role"];

/// Reads and checks the text of one file. `folder` is where relative `files.source` paths start.
pub(super) fn read(file: &str, text: &str, folder: &Path) -> Result<Layer> {
    let mut reader = Reader::new(file, text, folder);
    let document = reader.document()?;
    let table = document.get_ref();
    reader.only_keys("", table, &TOP);
    let mut layer = Layer {
        file: file.to_owned(),
        ..Layer::default()
    };
    if let Some(value) = table.get("name") {
        layer.name = reader.string("name", value);
    } else {
        layer.name = Path::new(file)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
    }
    if let Some(components) = reader.optional_table("component", table.get("component")) {
        for (name, value) in components {
            let key = format!("component.{}", name.get_ref());
            let names = component_names();
            if !reader.known("component", name, &names) {
                continue;
            }
            if let Some(table) = reader.table(&key, value) {
                let component = component(&mut reader, name.get_ref(), &key, table);
                layer.components.insert(name.get_ref().to_string(), component);
            }
        }
    }
    agents(&mut reader, table, &mut layer);
    reader.finish()?;
    Ok(layer)
}

/// The tables `agent` and `node`, of a stack file or of a topology file.
pub(super) fn agents(reader: &mut Reader<'_>, table: &DeTable<'_>, layer: &mut Layer) {
    if let Some(table) = reader.optional_table("agent", table.get("agent")) {
        layer.agent = agent(reader, "agent", table);
    }
    if let Some(nodes) = reader.optional_table("node", table.get("node")) {
        for (name, value) in nodes {
            let key = format!("node.{}", name.get_ref());
            if !is_agent_node(name.get_ref()) {
                let expected = "a node that has an agent: mesos-slave1, mesos-slave2 … mesos-slave99";
                reader.mistake(name.span().start, &key, "not a node with an agent", expected);
            } else if let Some(table) = reader.table(&key, value) {
                let agent = agent(reader, &key, table);
                layer.nodes.insert(name.get_ref().to_string(), agent);
            }
        }
    }
}

fn component(reader: &mut Reader<'_>, name: &str, key: &str, table: &DeTable<'_>) -> ComponentLayer {
    reader.only_keys(key, table, &COMPONENT);
    let list = |reader: &mut Reader<'_>, part: &str| {
        let value = table.get(part)?;
        reader.strings(&format!("{key}.{part}"), value)
    };
    let (args, cmd) = (list(reader, "args"), list(reader, "cmd"));
    if cmd.as_ref().is_some_and(Vec::is_empty) {
        let at = table.get("cmd").map_or(0, |value| value.span().start);
        reader.mistake(
            at,
            &format!("{key}.cmd"),
            "an empty list",
            "the program to start, and its arguments",
        );
    }
    ComponentLayer {
        source: source(reader, name, key, table),
        build: build(reader, key, table),
        args,
        env: environment(reader, &format!("{key}.env"), table.get("env")),
        files: files(reader, &format!("{key}.files"), table.get("files")),
        cmd,
    }
}

fn source(reader: &mut Reader<'_>, name: &str, key: &str, table: &DeTable<'_>) -> Option<Source> {
    let (version, image) = (table.get("version"), table.get("image"));
    if let (Some(_), Some(image)) = (version, image) {
        reader.mistake(
            image.span().start,
            key,
            "has both `version` and `image`",
            "exactly one of them: `version` for an image built here, `image` for one of yours",
        );
        return None;
    }
    if let Some(value) = version {
        let key = format!("{key}.version");
        let version = reader.string(&key, value)?;
        if !versions_of(name).contains(&version.as_str()) {
            let expected = format!("{}; any other comes as an `image`", one_of(versions_of(name)));
            reader.mistake(
                value.span().start,
                &key,
                &format!("no image of {name} {version} can be built here"),
                &expected,
            );
            return None;
        }
        return Some(Source::Version(version));
    }
    let value = image?;
    let key = format!("{key}.image");
    let image = reader.string(&key, value)?;
    if !is_image_reference(&image) {
        let expected = "a reference as `docker pull` takes it: [registry/]name[:tag][@digest]";
        reader.mistake(
            value.span().start,
            &key,
            &format!("{image:?} is no image reference"),
            expected,
        );
        return None;
    }
    Some(Source::Image(image))
}

fn build(reader: &mut Reader<'_>, key: &str, table: &DeTable<'_>) -> Option<PathBuf> {
    let value = table.get("build")?;
    if table.contains_key("image") {
        let expected = "one of them: `build` for a folder of yours with a Dockerfile, `image` for one that is built";
        reader.mistake(value.span().start, key, "has both `build` and `image`", expected);
        return None;
    }
    let key = format!("{key}.build");
    let folder = reader.folder().join(reader.string(&key, value)?);
    if folder.join("Dockerfile").is_file() {
        return Some(folder);
    }
    let found = format!("there is no {}", folder.join("Dockerfile").display());
    let expected = "a folder with a Dockerfile; a relative path starts at the stack file's folder";
    reader.mistake(value.span().start, &key, &found, expected);
    None
}

fn environment(reader: &mut Reader<'_>, key: &str, value: Value<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, value) in reader.optional_table(key, value).into_iter().flatten() {
        let key = format!("{key}.{}", name.get_ref());
        if name.get_ref().is_empty() || name.get_ref().contains(['=', '\0']) {
            reader.mistake(name.span().start, &key, "not a variable's name", "a name without `=`");
        } else if let Some(text) = reader.string(&key, value) {
            env.insert(name.get_ref().to_string(), text);
        }
    }
    env
}

fn files(reader: &mut Reader<'_>, key: &str, value: Value<'_>) -> BTreeMap<String, FileSource> {
    let mut files = BTreeMap::new();
    for (path, value) in reader.optional_table(key, value).into_iter().flatten() {
        let key = format!("{key}.{:?}", path.get_ref());
        if !path.get_ref().starts_with('/') || path.get_ref().ends_with('/') {
            reader.mistake(
                path.span().start,
                &key,
                "not a file's absolute path",
                "a path as in \"/etc/mesos/note\"",
            );
        } else if let Some(source) = file_source(reader, &key, value) {
            files.insert(path.get_ref().to_string(), source);
        }
    }
    files
}

fn file_source(reader: &mut Reader<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<FileSource> {
    if let Some(content) = value.get_ref().as_str() {
        return Some(FileSource::Content(content.to_owned()));
    }
    let Some(table) = value.get_ref().as_table() else {
        let found = format!("is {}", super::reader::kind(value.get_ref()));
        let expected = "the file's text, or { source = \"a file beside this one\" }";
        reader.mistake(value.span().start, key, &found, expected);
        return None;
    };
    reader.only_keys(key, table, &["source"]);
    let Some(source) = table.get("source") else {
        reader.mistake(
            value.span().start,
            key,
            "has no `source`",
            "{ source = \"a file beside this one\" }",
        );
        return None;
    };
    let key = format!("{key}.source");
    let text = reader.string(&key, source)?;
    let path = reader.folder().join(text);
    if !path.is_file() {
        let found = format!("there is no file {}", path.display());
        let expected = "a file; a relative path starts at the stack file's folder";
        reader.mistake(source.span().start, &key, &found, expected);
        return None;
    }
    Some(FileSource::Path(path))
}

fn agent(reader: &mut Reader<'_>, key: &str, table: &DeTable<'_>) -> AgentLayer {
    reader.only_keys(key, table, &AGENT);
    AgentLayer {
        resources: reader.parsed(
            &format!("{key}.resources"),
            table.get("resources"),
            "resources as the agent's --resources takes them: cpus:2;mem:1024;disk:10240;ports:[31000-32000]",
            Resources::parse,
        ),
        attributes: reader.parsed(
            &format!("{key}.attributes"),
            table.get("attributes"),
            "attributes as the agent's --attributes takes them: rack:r1;level:10",
            Attributes::parse,
        ),
        role: reader.parsed(
            &format!("{key}.role"),
            table.get("role"),
            "a role as the agent's --default_role takes it: `*`, `ads` or `eng/web`",
            |text| resources::check_role(text).map(|()| text.to_owned()),
        ),
    }
}

/// The nodes of the README's cluster are numbered from 1, and 99 is what a /24 has addresses for.
fn is_agent_node(name: &str) -> bool {
    name.strip_prefix("mesos-slave").is_some_and(|number| {
        !number.starts_with('0') && number.len() <= 2 && number.parse::<u8>().is_ok_and(|number| number > 0)
    })
}

/// The reference grammar of the OCI distribution project, as far as typing mistakes need it.
fn is_image_reference(text: &str) -> bool {
    let (rest, digest) = text
        .split_once('@')
        .map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let digest_fits = digest.is_none_or(|digest| {
        digest.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64
                && hex
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        })
    });
    let (folders, last) = rest
        .rsplit_once('/')
        .map_or((None, rest), |(folders, last)| (Some(folders), last));
    let (name, tag) = last
        .split_once(':')
        .map_or((last, None), |(name, tag)| (name, Some(tag)));
    let tag_fits = tag.is_none_or(|tag| {
        !tag.is_empty()
            && tag.len() <= 128
            && !tag.starts_with(['.', '-'])
            && tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    let segment_fits = |segment: &str| {
        let byte_fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        !segment.is_empty()
            && segment.bytes().all(byte_fits)
            && segment.starts_with(|c: char| c.is_ascii_alphanumeric())
            && segment.ends_with(|c: char| c.is_ascii_alphanumeric())
    };
    let mut folders = folders.into_iter().flat_map(|folders| folders.split('/'));
    // The first folder may be a registry: a host, perhaps with a port.
    let host_fits = folders.next().is_none_or(|first| {
        let (host, port) = first
            .split_once(':')
            .map_or((first, None), |(host, port)| (host, Some(port)));
        segment_fits(&host.to_ascii_lowercase()) && port.is_none_or(|port| port.parse::<u16>().is_ok())
    });
    digest_fits && tag_fits && segment_fits(name) && host_fits && folders.all(segment_fits)
}
