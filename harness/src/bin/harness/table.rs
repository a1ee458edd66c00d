//! A table without lines, as `docker ps` prints, in which words may be coloured.

use std::fmt;

use owo_colors::{AnsiColors, OwoColorize as _};

/// Rows of cells under a header; each column is as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    color: Option<AnsiColors>,
    right: bool,
}

impl Table {
    pub(crate) fn new<const N: usize>(header: [&str; N]) -> Self {
        Table {
            rows: vec![header.into_iter().map(Cell::from).collect()],
        }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }
}

impl Cell {
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Cell {
            text: text.to_string(),
            color: None,
            right: false,
        }
    }

    pub(crate) fn color(mut self, color: AnsiColors) -> Self {
        self.color = Some(color);
        self
    }

    /// For numbers: against the right edge of its column.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

impl<T: fmt::Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell::new(text)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let mut space = 0;
            for (cell, width) in row.iter().zip(&widths) {
                let free = width - cell.text.chars().count();
                let (before, after) = if cell.right { (free, 0) } else { (0, free) };
                // An empty cell at the end of a row leaves no blanks behind it.
                if !cell.text.is_empty() {
                    write!(f, "{:1$}", "", space + before)?;
                    space = 0;
                    match cell.color {
                        Some(color) => write!(f, "{}", cell.text.color(color))?,
                        None => f.write_str(&cell.text)?,
                    }
                } else {
                    space += before;
                }
                space += after + 3;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["NAME", "SIZE", "WHAT"]);
        table.row(["a".into(), Cell::new("1 MB").right(), "".into()]);
        table.row([
            "longer".into(),
            Cell::new(7).right(),
            Cell::new("red").color(AnsiColors::Red),
        ]);
        let text = table.to_string();
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "NAME     SIZE   WHAT\na        1 MB\nlonger      7   red");
        assert!(text.contains("\u{1b}[31mred"), "{text:?}");
    }
}
