//! The load as a moving curve: two by four dots a character where the terminal has them, else one. PURE.

use std::ops::RangeInclusive;

/// What may be drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dots {
    /// Braille patterns.
    Braille,
    /// Plain ASCII.
    Plain,
}

/// A field of dots, dark at first.
pub(super) struct Field {
    dots: Dots,
    columns: usize,
    /// A byte of dots for each character, row by row.
    cells: Vec<u8>,
}

impl Field {
    /// Makes a dark one of so many characters.
    pub(super) fn new(dots: Dots, columns: usize, rows: usize) -> Self {
        Self { dots, columns, cells: vec![0; columns * rows] }
    }

    /// Returns how many dots lie beside and above each other.
    pub(super) fn size(&self) -> (usize, usize) {
        let rows = self.cells.len().checked_div(self.columns).unwrap_or(0);
        match self.dots {
            Dots::Braille => (self.columns * 2, rows * 4),
            Dots::Plain => (self.columns, rows),
        }
    }

    /// Lights the dots of a column, counted from the top.
    pub(super) fn light(&mut self, x: usize, ys: RangeInclusive<usize>) {
        let (width, height) = self.size();
        for y in ys {
            if x >= width || y >= height {
                continue;
            }
            let (cell, bit) = match self.dots {
                Dots::Braille => ((y / 4) * self.columns + x / 2, braille_bit(x % 2, y % 4)),
                Dots::Plain => (y * self.columns + x, 1),
            };
            if let Some(cell) = self.cells.get_mut(cell) {
                *cell |= bit;
            }
        }
    }

    /// Returns the characters of a row; `None` where it is dark.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = Option<char>> + '_ {
        let cells = self.cells.iter().skip(row * self.columns).take(self.columns);
        cells.map(|cell| match (cell, self.dots) {
            (0, _) => None,
            (cell, Dots::Braille) => char::from_u32(0x2800 + u32::from(*cell)),
            (_, Dots::Plain) => Some('*'),
        })
    }
}

/// The bit of a dot in a Braille pattern.
const fn braille_bit(x: usize, y: usize) -> u8 {
    match (x, y) {
        (0, 0) => 0x01,
        (0, 1) => 0x02,
        (0, 2) => 0x04,
        (0, _) => 0x40,
        (_, 0) => 0x08,
        (_, 1) => 0x10,
        (_, 2) => 0x20,
        (_, _) => 0x80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_light_where_they_are() {
        let mut field = Field::new(Dots::Braille, 2, 1);
        assert_eq!(field.size(), (4, 4));
        field.light(0, 0..=3);
        field.light(3, 3..=9);
        field.light(99, 0..=3);
        assert_eq!(field.row(0).collect::<Vec<_>>(), [Some('⡇'), Some('⢀')]);
        let mut plain = Field::new(Dots::Plain, 2, 2);
        plain.light(1, 1..=1);
        assert_eq!(
            (plain.row(0).collect::<Vec<_>>(), plain.row(1).collect()),
            (vec![None, None], vec![None, Some('*')])
        );
    }
}
