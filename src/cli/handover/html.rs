//! The page for a browser: one file that needs nothing else, and prints on one sheet.

use maud::{DOCTYPE, PreEscaped, html};

use super::page::{Page, Section};

/// Ink on paper: dark on light, no colour that says anything by itself.
const STYLE: &str = "\
@page { size: A4; margin: 18mm }
body { font: 11pt/1.45 system-ui, sans-serif; color: #111; max-width: 44em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em; margin: 0 0 .6em; border-bottom: 2px solid #111 }
h2 { font-size: 1.05em; margin: 1.2em 0 .3em }
section { break-inside: avoid }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: normal; color: #444; width: 38%; vertical-align: top }
th, td { padding: .15em .5em .15em 0; border-bottom: 1px solid #ddd }
.not-proven { outline: 3px solid #111; padding: .2em .6em }
@media print { body { margin: 0; max-width: none; padding: 0 } }
";

/// Writes it.
pub(super) fn html(page: &Page) -> String {
    html! {
        (DOCTYPE)
        html lang=(page.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (page.title) }
                @for part in &page.sections { (section(part)) }
            }
        }
    }
    .into_string()
}

fn section(section: &Section) -> maud::Markup {
    html! {
        section class=[(!section.proven).then_some("not-proven")] {
            h2 { (section.title) }
            @for paragraph in &section.paragraphs { p { (paragraph) } }
            @if !section.rows.is_empty() {
                table {
                    @for (name, value) in &section.rows { tr { th { (name) } td { (value) } } }
                }
            }
        }
    }
}
