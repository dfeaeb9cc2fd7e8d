//! A load as a bar of block characters.

/// Cells for a share of 1.
const CELLS: f64 = 25.0;

/// Cells in all: a share of 1.2 fills them; creep and turning take a load over its usual level.
const CELLS_MAX: usize = 30;

/// A cell filled by 0 to 8 eighths.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Draws a share of the usual load: always 30 cells, and the share in whole per cent behind them.
#[must_use]
pub fn bar(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 9.99) } else { 0.0 };
    let mut left = (share * CELLS * 8.0).round();
    let mut bar = String::with_capacity(4 * CELLS_MAX + 8);
    for _ in 0..CELLS_MAX {
        bar.push(cell(left));
        left -= 8.0;
    }
    format!("{bar} {:>4.0} %", share * 100.0)
}

fn cell(eighths: f64) -> char {
    let filled = EIGHTHS.iter().zip(0_u8..).take_while(|(_, threshold)| f64::from(*threshold) <= eighths);
    filled.last().map_or(' ', |(cell, _)| *cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_by_eighths_and_never_leaves_its_width() {
        for (share, starts, ends) in [
            (0.0, "  ", "    0 %"),
            (0.01, "▎ ", "    1 %"),
            (0.05, "█▎ ", "    5 %"),
            (1.0, &"█".repeat(25), "  100 %"),
            (3.0, &"█".repeat(30), "  300 %"),
            (-1.0, "  ", "    0 %"),
            (f64::NAN, "  ", "    0 %"),
        ] {
            let drawn = bar(share);
            assert!(drawn.starts_with(starts) && drawn.ends_with(ends), "{share}: {drawn:?}");
            assert_eq!(drawn.chars().count(), 37, "{share}");
        }
        assert_eq!(bar(1.0).chars().filter(|cell| *cell == '█').count(), 25);
    }
}
