//! From parts and options to text.

use serde_json::Value;

use super::{Node, Problem, Style, Template};
use crate::package::finding::Position;
use crate::package::python;

/// No Marathon app is near it; arrays in arrays reach it.
const LIMIT: usize = 4 << 20;

/// How many parts may be rendered: sections that write nothing have no output to be bounded by.
const STEPS: usize = 1 << 16;

/// What a template rendered to, and how.
#[derive(Clone, Debug)]
pub struct Output {
    /// The text.
    pub text: String,
    /// What it asked for, in the order of asking.
    pub reads: Vec<Read>,
    /// Where each piece of `text` begins, where it came from, and whether it was copied from there.
    pieces: Vec<(usize, usize, bool)>,
    template: String,
}

/// One name that a template asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// As it stands in the tag.
    pub name: String,
    /// Where the tag is, in bytes.
    pub at: usize,
    /// Where the value was found, as in `kafka.zk`. None where it is missing, or an element of an array.
    pub found: Option<String>,
    /// The paths of the sections around it, innermost last: where else it could have been found.
    pub around: Vec<String>,
    /// Whether the value was written, and not only looked at by a section.
    pub written: bool,
    /// Whether escaping changed what was written.
    pub altered: bool,
}

impl Output {
    /// The place in the template that the byte `offset` of the text came from.
    #[must_use]
    pub fn origin(&self, offset: usize) -> Position {
        let index = self.pieces.partition_point(|(start, ..)| *start <= offset);
        let place = match index.checked_sub(1).map(|index| self.pieces[index]) {
            Some((start, from, true)) => from + (offset - start),
            Some((_, from, false)) => from,
            None => 0,
        };
        Position::of(&self.template, place)
    }
}

/// A value on the stack of contexts, with its path where it has one.
#[derive(Clone)]
struct Frame<'v> {
    value: &'v Value,
    path: Option<String>,
}

struct Renderer<'v> {
    stack: Vec<Frame<'v>>,
    style: Style,
    steps: usize,
    output: Output,
}

pub(super) fn render(template: &Template, context: &Value, style: Style) -> Result<Output, Problem> {
    let mut renderer = Renderer {
        stack: vec![Frame {
            value: context,
            path: Some(String::new()),
        }],
        style,
        steps: 0,
        output: Output {
            text: String::new(),
            reads: Vec::new(),
            pieces: Vec::new(),
            template: template.text.clone(),
        },
    };
    renderer.nodes(&template.nodes).map_err(|at| Problem {
        position: Position::of(&template.text, at),
        message: "what it renders to is too large".to_owned(),
    })?;
    Ok(renderer.output)
}

impl<'v> Renderer<'v> {
    /// Fails with where it became too much.
    fn nodes(&mut self, nodes: &[Node]) -> Result<(), usize> {
        for node in nodes {
            self.steps += 1;
            match node {
                Node::Text { at, text } => self.write(*at, text, true)?,
                Node::Variable { at, name, escaped } => self.variable(*at, name, *escaped)?,
                Node::Section {
                    at,
                    name,
                    inverted,
                    nodes,
                } => self.section(*at, name, *inverted, nodes)?,
                Node::Partial { .. } => {}
            }
        }
        Ok(())
    }

    fn write(&mut self, at: usize, text: &str, copied: bool) -> Result<(), usize> {
        let output = &mut self.output;
        if output.text.len() + text.len() > LIMIT || self.steps > STEPS {
            return Err(at);
        }
        output.pieces.push((output.text.len(), at, copied));
        output.text.push_str(text);
        Ok(())
    }

    fn variable(&mut self, at: usize, name: &str, escaped: bool) -> Result<(), usize> {
        let found = self.look_up(name);
        let mut altered = false;
        let mut text = String::new();
        if let Some(frame) = &found {
            text = match (frame.value, self.style) {
                (Value::String(text), _) => text.clone(),
                (other, Style::Json) => python::dumps(other),
                (other, Style::Plain) => python::display(other),
            };
            if escaped {
                let safe = escape(&text);
                altered = safe != text;
                text = safe;
            }
        }
        self.note(at, name, found.as_ref(), true, altered);
        self.write(at, &text, false)
    }

    fn section(&mut self, at: usize, name: &str, inverted: bool, nodes: &[Node]) -> Result<(), usize> {
        let found = self.look_up(name);
        self.note(at, name, found.as_ref(), false, false);
        let holds = found.as_ref().is_some_and(|frame| truthy(frame.value));
        if inverted {
            return if holds { Ok(()) } else { self.nodes(nodes) };
        }
        let Some(frame) = found.filter(|_| holds) else {
            return Ok(());
        };
        let Value::Array(items) = frame.value else {
            return self.inside(frame, at, nodes);
        };
        items
            .iter()
            .try_for_each(|value| self.inside(Frame { value, path: None }, at, nodes))
    }

    fn inside(&mut self, frame: Frame<'v>, at: usize, nodes: &[Node]) -> Result<(), usize> {
        if self.steps > STEPS {
            return Err(at);
        }
        self.stack.push(frame);
        let done = self.nodes(nodes);
        self.stack.pop();
        done
    }

    fn look_up(&self, name: &str) -> Option<Frame<'v>> {
        if name == "." {
            return self.stack.last().cloned();
        }
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let mut found = self.stack.iter().rev().find_map(|frame| child(frame, first))?;
        for part in parts {
            found = child(&found, part)?;
        }
        Some(found)
    }

    fn note(&mut self, at: usize, name: &str, found: Option<&Frame<'_>>, written: bool, altered: bool) {
        let around = self.stack.iter().filter_map(|frame| frame.path.clone());
        self.output.reads.push(Read {
            name: name.to_owned(),
            at,
            found: found.and_then(|frame| frame.path.clone()),
            around: around.filter(|path| !path.is_empty()).collect(),
            written,
            altered,
        });
    }
}

fn child<'v>(frame: &Frame<'v>, key: &str) -> Option<Frame<'v>> {
    let value = frame.value.as_object()?.get(key)?;
    let path = frame.path.as_ref().map(|path| join(path, key));
    Some(Frame { value, path })
}

/// `a.b`, or `b` at the root.
pub(in crate::package) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// As Python sees it.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_none_or(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// As Python's `html.escape` does with `quote=True`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
    out
}
