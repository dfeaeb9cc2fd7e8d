//! The page as plain text, for a terminal or a printer without a browser.

use super::page::{Page, Section};
use crate::cli::words::indented;

/// Writes it; ends with a newline.
pub(super) fn text(page: &Page) -> String {
    let rule = "=".repeat(page.title.chars().count());
    let sections: Vec<String> = page.sections.iter().map(section).collect();
    format!("{}\n{rule}\n\n{}", page.title, sections.join("\n"))
}

fn section(section: &Section) -> String {
    let mut text = format!("{}\n", section.title);
    for paragraph in &section.paragraphs {
        text.push_str(&indented(paragraph, "  "));
    }
    let width = section.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let row = |(name, value): &(String, String)| format!("  {name:width$}  {value}\n");
    text.extend(section.rows.iter().map(row));
    text
}
