//! Mustache as the dcos client's pystache renders it.
//!
//! Written here because what is wanted is pystache's behaviour and not Mustache's: the crates that there are
//! (`mustache`, unchanged since 2018; `ramhorns`, "experimental") escape other characters, refuse or format numbers in
//! their own way, end at a missing key, and cannot tell which options a template read.
//!
//! Source: pystache 0.6.8 and dcos 0.3.6 (`dcos/util.py`, a renderer that writes what is no string by `json.dumps`):
//!
//! * `{{x}}` escapes `&`, `<`, `>`, `"` and `'` as in HTML, in JSON too; `{{{x}}}` and `{{&x}}` do not escape.
//! * What is missing is nothing. `null` is missing in no sense: it is written.
//! * A section is left out for what is missing, `null`, `false`, `0`, `""`, `[]` and `{}`; repeated for an array.
//! * `a.b` looks for `a` from the innermost section outwards, then for `b` only in what was found.
//! * A partial is looked for in files that the client has not got, so it is nothing.
//! * A section that is not closed swallows all that stands before it: here that is an error.

mod parse;
mod render;

use serde::Serialize;

pub(super) use render::join;
pub use render::{Output, Read};

use super::finding::Position;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) text: String,
    nodes: Vec<Node>,
}

/// How values that are no strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `json.dumps`: `marathon.json`.
    Json,
    /// `str`: `command.json`, which a plain pystache renders.
    Plain,
}

/// Why a template cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Where in the template.
    pub position: Position,
    /// What is wrong there.
    pub message: String,
}

/// A part of a template. `at` is the byte where it begins.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text {
        at: usize,
        text: String,
    },
    Variable {
        at: usize,
        name: String,
        escaped: bool,
    },
    Section {
        at: usize,
        name: String,
        inverted: bool,
        nodes: Vec<Node>,
    },
    Partial {
        at: usize,
        name: String,
    },
}

impl Template {
    /// Reads `text`.
    ///
    /// # Errors
    /// A section that is not closed, closed twice or by another's name; delimiters that are none; a tag that does not
    /// end; sections nested deeper than 64.
    pub fn parse(text: impl Into<String>) -> Result<Self, Problem> {
        let text = text.into();
        let nodes = parse::parse(&text).map_err(|(offset, message)| Problem {
            position: Position::of(&text, offset),
            message,
        })?;
        Ok(Template { text, nodes })
    }

    /// Renders it for `context`.
    ///
    /// # Errors
    /// Output over 4 MiB: arrays in arrays.
    pub fn render(&self, context: &serde_json::Value, style: Style) -> Result<Output, Problem> {
        render::render(self, context, style)
    }

    /// The partials it names, which render as nothing.
    pub fn partials(&self) -> Vec<(&str, Position)> {
        let mut found = Vec::new();
        partials(&self.nodes, &mut found);
        found
            .into_iter()
            .map(|(name, at)| (name, Position::of(&self.text, at)))
            .collect()
    }
}

fn partials<'n>(nodes: &'n [Node], found: &mut Vec<(&'n str, usize)>) {
    for node in nodes {
        match node {
            Node::Partial { at, name } => found.push((name, *at)),
            Node::Section { nodes, .. } => partials(nodes, found),
            Node::Text { .. } | Node::Variable { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
