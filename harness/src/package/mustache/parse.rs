//! From text to parts.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Node;

/// Rendering recurses as deep as sections nest; no template of the Universe nests deeper than four.
const DEPTH: usize = 64;

static DEFAULT: LazyLock<Regex> = LazyLock::new(|| tag("{{", "}}").expect("the default delimiters are escaped"));

/// Where, in bytes, and what.
type Problem = (usize, String);

/// A section that is open: its tag, and what stands before it.
struct Open {
    at: usize,
    name: String,
    inverted: bool,
    before: Vec<Node>,
}

/// The pattern of one tag. Its alternatives are tried in order, so an unclosed `{{{x}}` is the variable `{x`.
fn tag(open: &str, close: &str) -> Option<Regex> {
    let (open, close) = (regex::escape(open), regex::escape(close));
    let pattern = format!(
        r"(?P<blanks>[ \t]*){open}\s*(?:=\s*(?P<delimiters>.+?)\s*=|\{{\s*(?P<raw>.+?)\s*\}}|(?P<kind>[!>&/#^]?)\s*(?P<name>(?s:.)+?))\s*{close}"
    );
    Regex::new(&pattern).ok()
}

pub(super) fn parse(text: &str) -> Result<Vec<Node>, Problem> {
    let mut pattern = DEFAULT.clone();
    let mut opening = "{{".to_owned();
    let mut position = 0;
    let mut nodes = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    while let Some(found) = pattern.captures_at(text, position) {
        let tag = Tag::of(&found, text);
        literal(&mut nodes, text, position..tag.text_ends, &opening)?;
        position = tag.ends;
        match tag.kind {
            '=' => {
                let mut parts = tag.name.split_whitespace();
                let (Some(start), Some(end), None) = (parts.next(), parts.next(), parts.next()) else {
                    return Err((tag.at, format!("`{}` are no two delimiters", tag.name)));
                };
                let none = || (tag.at, format!("`{}` are no delimiters", tag.name));
                pattern = self::tag(start, end).ok_or_else(none)?;
                start.clone_into(&mut opening);
            }
            '!' => {}
            '>' => nodes.push(Node::Partial {
                at: tag.at,
                name: tag.name,
            }),
            '#' | '^' => {
                if open.len() == DEPTH {
                    return Err((tag.at, format!("sections are nested deeper than {DEPTH}")));
                }
                open.push(Open {
                    at: tag.at,
                    name: tag.name,
                    inverted: tag.kind == '^',
                    before: std::mem::take(&mut nodes),
                });
            }
            '/' => {
                let section = close(open.pop(), &tag)?;
                let inner = std::mem::replace(&mut nodes, section.before);
                nodes.push(Node::Section {
                    at: section.at,
                    name: section.name,
                    inverted: section.inverted,
                    nodes: inner,
                });
            }
            kind => nodes.push(Node::Variable {
                at: tag.at,
                name: tag.name,
                escaped: kind != '&',
            }),
        }
    }
    literal(&mut nodes, text, position..text.len(), &opening)?;
    match open.pop() {
        Some(section) => Err((section.at, format!("the section `{}` is not closed", section.name))),
        None => Ok(nodes),
    }
}

fn close(open: Option<Open>, tag: &Tag) -> Result<Open, Problem> {
    match open {
        Some(section) if section.name == tag.name => Ok(section),
        Some(section) => Err((
            tag.at,
            format!("`{}` is closed where the section `{}` is open", tag.name, section.name),
        )),
        None => Err((tag.at, format!("`{}` is closed and was not opened", tag.name))),
    }
}

/// The text between tags. pystache leaves an opening that never ends as it is; nobody means that.
fn literal(nodes: &mut Vec<Node>, text: &str, range: std::ops::Range<usize>, opening: &str) -> Result<(), Problem> {
    let (at, text) = (range.start, &text[range]);
    if let Some(opened) = text.find(opening) {
        return Err((at + opened, "the tag does not end".to_owned()));
    }
    if !text.is_empty() {
        nodes.push(Node::Text {
            at,
            text: text.to_owned(),
        });
    }
    Ok(())
}

/// One tag, with how much of the line around it goes with it.
struct Tag {
    /// `=`, `!`, `>`, `/`, `#`, `^`, `&`, or a blank for a plain variable.
    kind: char,
    name: String,
    /// Where its delimiter begins.
    at: usize,
    /// Where the text before it ends.
    text_ends: usize,
    /// Where the text after it begins.
    ends: usize,
}

impl Tag {
    fn of(found: &Captures<'_>, text: &str) -> Self {
        let whole = found.get(0).map_or(0..0, |whole| whole.range());
        let blanks = found.name("blanks").map_or(0, |blanks| blanks.len());
        let part = |name| found.name(name).map(|part| part.as_str().to_owned());
        let (kind, name) = if let Some(delimiters) = part("delimiters") {
            ('=', delimiters)
        } else if let Some(raw) = part("raw") {
            ('&', raw)
        } else {
            let kind = part("kind").and_then(|kind| kind.chars().next());
            (kind.unwrap_or(' '), part("name").unwrap_or_default())
        };
        let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let bytes = text.as_bytes();
        let begins_line = whole.start == 0 || line_end(&bytes[whole.start - 1]);
        let ends_line = bytes.get(whole.end).is_none_or(line_end);
        let at = whole.start + blanks;
        let (mut text_ends, mut ends) = (at, whole.end);
        // A tag that writes nothing and has a line of its own takes the line with it.
        if begins_line && ends_line && !matches!(kind, ' ' | '&') {
            text_ends = whole.start;
            ends += usize::from(bytes.get(ends) == Some(&b'\r'));
            ends += usize::from(bytes.get(ends) == Some(&b'\n'));
        }
        Tag {
            kind,
            name,
            at,
            text_ends,
            ends,
        }
    }
}
