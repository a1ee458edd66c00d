//! Walks a TOML document and gathers every mistake with its line, its key and what is allowed there.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::suggest::closest;
use crate::{Error, Result};

pub(super) type Value<'a> = Option<&'a Spanned<DeValue<'a>>>;

#[derive(Debug)]
struct Mistake {
    line: usize,
    key: String,
    found: String,
    expected: String,
    hint: Option<String>,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    folder: &'a Path,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str, folder: &'a Path) -> Self {
        Reader {
            file,
            text,
            folder,
            mistakes: Vec::new(),
        }
    }

    pub(super) fn folder(&self) -> &'a Path {
        self.folder
    }

    pub(super) fn document(&self) -> Result<Spanned<DeTable<'a>>> {
        DeTable::parse(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line(span.start));
            Error::usage(format!("{}:{line}: {}", self.file, error.message()))
                .expected("a TOML file")
                .evidence(self.text.lines().nth(line - 1).unwrap_or_default())
        })
    }

    pub(super) fn mistake(&mut self, at: usize, key: &str, found: &str, expected: &str) {
        self.add(at, key, found, expected, None);
    }

    fn add(&mut self, at: usize, key: &str, found: &str, expected: &str, hint: Option<String>) {
        self.mistakes.push(Mistake {
            line: self.line(at),
            key: key.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            hint,
        });
    }

    fn line(&self, at: usize) -> usize {
        1 + self
            .text
            .as_bytes()
            .iter()
            .take(at)
            .filter(|byte| **byte == b'\n')
            .count()
    }

    /// Notes every key of `table` that is not one of `allowed`.
    pub(super) fn only_keys(&mut self, prefix: &str, table: &DeTable<'_>, allowed: &[&str]) {
        for name in table.keys() {
            self.known(prefix, name, allowed);
        }
    }

    /// Notes `name` unless it is one of `allowed`; true where it is.
    pub(super) fn known(&mut self, prefix: &str, name: &Spanned<DeString<'_>>, allowed: &[&str]) -> bool {
        let text: &str = name.get_ref();
        if allowed.contains(&text) {
            return true;
        }
        let key = if prefix.is_empty() {
            text.to_owned()
        } else {
            format!("{prefix}.{text}")
        };
        let hint = closest(text, allowed).map(|meant| format!("did you mean `{meant}`?"));
        let found = if prefix == "component" {
            "unknown component"
        } else {
            "unknown key"
        };
        self.add(name.span().start, &key, found, &one_of(allowed), hint);
        false
    }

    pub(super) fn table<'v>(&mut self, key: &str, value: &'v Spanned<DeValue<'v>>) -> Option<&'v DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key, value, "a table");
        }
        table
    }

    pub(super) fn optional_table<'v>(&mut self, key: &str, value: Value<'v>) -> Option<&'v DeTable<'v>> {
        value.and_then(|value| self.table(key, value))
    }

    /// A whole number in `range`.
    pub(super) fn count(&mut self, key: &str, value: Value<'_>, range: RangeInclusive<u8>) -> Option<u8> {
        let value = value?;
        let expected = format!("{} to {}", range.start(), range.end());
        let Some(number) = value.get_ref().as_integer() else {
            let found = format!("is {}", kind(value.get_ref()));
            self.mistake(value.span().start, key, &found, &format!("a number, {expected}"));
            return None;
        };
        let number = u8::from_str_radix(number.as_str(), number.radix()).ok();
        let allowed = number.filter(|number| range.contains(number));
        if allowed.is_none() {
            let found = format!("is {}", &self.text[value.span()]);
            self.mistake(value.span().start, key, &found, &expected);
        }
        allowed
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &str, value: Value<'_>) -> Option<bool> {
        let value = value?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        flag
    }

    pub(super) fn string(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_type(key, value, "a string");
        }
        text
    }

    pub(super) fn strings(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list of strings");
            return None;
        };
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            texts.push(self.string(&format!("{key}[{index}]"), item)?);
        }
        Some(texts)
    }

    /// A string that `parse` takes.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        value: Value<'_>,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = value?;
        let text = self.string(key, value)?;
        parse(&text)
            .map_err(|reason| self.mistake(value.span().start, key, &reason, expected))
            .ok()
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = kind(value.get_ref());
        let quotable = expected == "a string" && matches!(found, "an integer" | "a float" | "a boolean" | "a date");
        let hint = quotable.then(|| {
            let text = &self.text[value.span()];
            format!("write \"{text}\", in quotes")
        });
        self.add(value.span().start, key, &format!("is {found}"), expected, hint);
    }

    /// The first mistake is the error; the others stand under it.
    pub(super) fn finish(mut self) -> Result<()> {
        self.mistakes.sort_by_key(|mistake| mistake.line);
        let mut mistakes = self.mistakes.iter();
        let Some(first) = mistakes.next() else {
            return Ok(());
        };
        let place = |mistake: &Mistake| format!("{}:{}: {}: {}", self.file, mistake.line, mistake.key, mistake.found);
        let mut error = Error::usage(place(first)).expected(&first.expected);
        if let Some(hint) = &first.hint {
            error = error.hint(hint);
        }
        for more in mistakes {
            let hint = more.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            error = error.evidence(format!("also {}; expected {}{hint}", place(more), more.expected));
        }
        Err(error)
    }
}

/// The type of a value in words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// What is allowed, in words.
pub(super) fn one_of(allowed: &[&str]) -> String {
    match allowed {
        [only] => format!("`{only}`"),
        several => format!("one of {}", several.join(", ")),
    }
}
