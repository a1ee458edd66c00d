//! JSON whose values know where they stand.
//!
//! serde_json says what is JSON; jsonc-parser, told to take nothing but JSON, says where each value is and which keys
//! stand there twice.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use serde_json::Value;

use super::checks::Check;
use super::finding::{Finding, Position};

/// One JSON file.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its path, for messages.
    pub file: String,
    /// What it says.
    pub value: Value,
    text: String,
    /// By JSON pointer: where the key stands (the value, in an array), and the value.
    places: HashMap<String, (usize, Range<usize>)>,
    /// Each key that stands twice in one object, with its later places.
    duplicates: Vec<(String, usize)>,
}

impl Document {
    /// Reads `text`.
    ///
    /// # Errors
    /// A finding of [`Check::JsonSyntax`] with line and column where it is no JSON.
    pub fn parse(file: impl Into<String>, text: impl Into<String>) -> Result<Self, Box<Finding>> {
        let (file, text) = (file.into(), text.into());
        let value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(error) => {
                let (offset, message) = syntax(&text, &error);
                let finding = Finding::new(Check::JsonSyntax, file, message).at(Position::of(&text, offset));
                return Err(Box::new(finding));
            }
        };
        let mut document = Document {
            file,
            value,
            places: HashMap::new(),
            duplicates: Vec::new(),
            text: String::new(),
        };
        let parsed = jsonc_parser::parse_to_ast(&text, &jsonc_parser::CollectOptions::default(), &strict());
        // What serde_json took, this parser takes; where they should ever differ, positions are missing and no more.
        if let Ok(Some(root)) = parsed.map(|parsed| parsed.value) {
            document.walk(&root, root.range().start, &mut String::new());
        }
        document.text = text;
        Ok(document)
    }

    fn walk(&mut self, value: &ast::Value<'_>, key: usize, pointer: &mut String) {
        let range = value.range();
        self.places.insert(pointer.clone(), (key, range.start..range.end));
        let length = pointer.len();
        match value {
            ast::Value::Object(object) => {
                let mut seen = BTreeMap::new();
                for property in &object.properties {
                    let name = property.name.as_str();
                    pointer.push_str(&step(name));
                    if seen.insert(name, ()).is_some() {
                        self.duplicates.push((pointer.clone(), property.range().start));
                    }
                    self.walk(&property.value, property.range().start, pointer);
                    pointer.truncate(length);
                }
            }
            ast::Value::Array(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    pointer.push_str(&format!("/{index}"));
                    self.walk(element, element.range().start, pointer);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// Where the value at a JSON pointer begins; the nearest place around it where there is none.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        self.nearest(pointer, |(_, value)| value.start)
    }

    /// As [`Document::position`], of the key.
    #[must_use]
    pub fn key_position(&self, pointer: &str) -> Position {
        self.nearest(pointer, |(key, _)| *key)
    }

    fn nearest(&self, pointer: &str, of: impl Fn(&(usize, Range<usize>)) -> usize) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Position::of(&self.text, of(place));
            }
            match pointer.rfind('/') {
                Some(slash) => pointer = &pointer[..slash],
                None => return Position { line: 1, column: 1 },
            }
        }
    }

    /// Where `text` first stands in the file.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Position> {
        self.text.find(text).map(|offset| Position::of(&self.text, offset))
    }

    /// JSON pointers of the keys that stand twice in one object, with the place of the later one. Readers keep the last.
    pub fn duplicates(&self) -> impl Iterator<Item = (&str, Position)> {
        self.duplicates
            .iter()
            .map(|(pointer, offset)| (pointer.as_str(), Position::of(&self.text, *offset)))
    }
}

/// `name` as a part of a JSON pointer, slash included.
#[must_use]
pub fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The parts of a JSON pointer joined by dots, as options are written.
#[must_use]
pub fn dotted(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1);
    let parts: Vec<String> = parts.map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    parts.join(".")
}

/// Where `error` is in `text`, in bytes, and what it says without its own place.
pub(super) fn syntax(text: &str, error: &serde_json::Error) -> (usize, String) {
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    (line_start + error.column().saturating_sub(1), message)
}

/// Nothing but JSON: everything that the parser would take beside it is off.
fn strict() -> jsonc_parser::ParseOptions {
    jsonc_parser::ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_has_a_file_a_line_and_a_column() {
        let finding = Document::parse("config.json", "{\n  \"a\": 1,\n  \"b\": }\n").expect_err("no value");
        assert_eq!(finding.to_string(), "config.json:3:8: json.syntax: expected value");
        let finding = Document::parse("x.json", "").expect_err("empty");
        assert_eq!(finding.place(), "x.json:1:1");
        assert!(finding.message.contains("EOF"), "{finding}");
    }

    #[test]
    fn what_is_no_json_elsewhere_is_none_here() {
        for text in [
            "{\"a\": 1,}",
            "{'a': 1}",
            "{\"a\": NaN}",
            "\u{feff}{}",
            "{} {}",
            "// x\n{}",
            "[01]",
            "\"\t\"",
        ] {
            Document::parse("x.json", text).expect_err(text);
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        Document::parse("x.json", deep).expect_err("too deep to be read safely");
    }

    #[test]
    fn values_and_keys_are_found_by_pointer() {
        let document = Document::parse("x.json", "{\n  \"a/b\": [10,\n    {\"c\": true}]\n}").expect("it is JSON");
        assert_eq!(document.position("/a~1b/1/c"), Position { line: 3, column: 11 });
        assert_eq!(document.key_position("/a~1b/1/c"), Position { line: 3, column: 6 });
        assert_eq!(document.key_position("/a~1b"), Position { line: 2, column: 3 });
        assert_eq!(
            document.position("/a~1b/7/nowhere"),
            Position { line: 2, column: 10 },
            "what is around it"
        );
        assert_eq!(dotted("/a~1b/1/c"), "a/b.1.c");
    }

    #[test]
    fn a_key_that_stands_twice_is_told_by_its_later_place() {
        let document = Document::parse("x.json", "{\"a\": {\"b\": 1,\n \"b\": 2}, \"b\": 3}").expect("it is JSON");
        let duplicates: Vec<(&str, Position)> = document.duplicates().collect();
        assert_eq!(duplicates, [("/a/b", Position { line: 2, column: 2 })]);
        assert_eq!(document.value["a"]["b"], 2, "readers keep the last");
    }
}
