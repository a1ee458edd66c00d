//! What a check found, and where.

use std::fmt;

use serde::Serialize;

use super::checks::{Check, Severity};

/// A place in a text file, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

impl Position {
    /// The place of the byte `offset` of `text`; its end where there are fewer bytes.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One defect of a package, by the check that found it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file or folder, below the path that was checked.
    pub file: String,
    /// Where in it; null where it is about the whole file.
    pub position: Option<Position>,
    /// Which check.
    pub check: Check,
    /// Whether the package can be released with it.
    pub severity: Severity,
    /// What is wrong, with the names and values of this package.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(check: Check, file: impl Into<String>, message: impl Into<String>) -> Self {
        Finding {
            file: file.into(),
            position: None,
            check,
            severity: check.severity(),
            message: message.into(),
            remedy: check.remedy().to_owned(),
        }
    }

    pub(super) fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// `file:line:column`, as far as it is known.
    #[must_use]
    pub fn place(&self) -> String {
        match self.position {
            Some(position) => format!("{}:{position}", self.file),
            None => self.file.clone(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { check, message, .. } = self;
        write!(f, "{}: {check}: {message}", self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_lines_begin_at_one() {
        let text = "{\n  \"ä\": 1\n}";
        let offset = text.find('1').expect("it is there");
        assert_eq!(Position::of(text, offset), Position { line: 2, column: 8 });
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, 1000), Position { line: 3, column: 2 });
        assert_eq!(Position::of("ä", 1), Position { line: 1, column: 1 });
    }
}
