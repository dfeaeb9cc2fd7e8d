//! The page as plain text, for a terminal or a printer without a browser.

use super::page::{Page, Section};
use crate::cli::words::{COLUMNS_TABLE, indented_to};

/// Writes it for so many columns; ends with a newline.
pub(super) fn text(page: &Page, columns: usize) -> String {
    let rule = "=".repeat(page.title.chars().count());
    let sections: Vec<String> = page.sections.iter().map(|each| section(each, columns)).collect();
    format!("{}\n{rule}\n\n{}", page.title, sections.join("\n"))
}

fn section(section: &Section, columns: usize) -> String {
    let mut text = format!("{}\n", section.title);
    for paragraph in &section.paragraphs {
        text.push_str(&indented_to(paragraph, "  ", columns));
    }
    let width = section.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let row = |(name, value): &(String, String)| {
        if columns < COLUMNS_TABLE {
            format!("  {name}:\n{}", indented_to(value, "    ", columns))
        } else {
            format!("  {name:width$}  {value}\n")
        }
    };
    text.extend(section.rows.iter().map(row));
    text
}
