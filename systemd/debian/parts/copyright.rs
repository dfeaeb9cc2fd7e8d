//! Debian's copyright file: ours, and every crate's with its holders and licences.
//!
//! Where a crate leaves the choice, it is taken under the first licence of [`CHOICE`]. The texts of licences that Debian
//! has in `/usr/share/common-licenses` are referred to; the others are quoted from the crates, each wording once.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

use super::crates::{Crate, Crates};

/// Which licence is taken where a crate leaves the choice: the first of these that it offers.
const CHOICE: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "ISC",
    "Zlib",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "MPL-2.0",
];

/// Licences whose text every Debian system has.
const COMMON: [&str; 2] = ["Apache-2.0", "MPL-2.0"];

/// Beginnings of the names of files with licences or the names of holders.
const FILES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// More is not read of such a file, in bytes.
const FILE_BYTES_MAX: usize = 64 * 1024;

const HEAD: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: nattvakt
Comment: The program is linked from the crates below and Rust's standard library. Their versions, checksums and
 repositories stand in /usr/share/doc/nattvakt/nattvakt.cdx.json. The source of each is published under its name and
 version; that of the crates under the MPL-2.0 is used as published.

Files: *
Copyright: 2026 the nattvakt maintainers
License: MIT or Apache-2.0
";

/// Writes the file. Fails where a crate's licence is none that we may take, or its text is missing.
pub(crate) fn text(crates: &Crates) -> Result<String, Box<dyn Error>> {
    let mut text = HEAD.to_owned();
    let mit = fs::read_to_string(crates.program.folder.join("LICENSE-MIT"))?;
    let mut texts = Texts { mit, quoted: BTreeMap::new() };
    for each in &crates.others {
        let papers = papers(&each.folder)?;
        let licences: Vec<String> =
            taken(&each.licence)?.iter().map(|licence| texts.name(licence, each, &papers)).collect::<Result<_, _>>()?;
        text += &stanza(&format!("{}-{}", each.name, each.version), &holders(each, &papers), &licences);
    }
    let of_rust = BTreeSet::from(["The Rust Project contributors".to_owned()]);
    text += &stanza("rust-std", &of_rust, &["MIT".to_owned()]);
    Ok(text + &texts.stanzas())
}

/// Returns the licences under which something is taken that comes under this SPDX expression.
pub(crate) fn taken(expression: &str) -> Result<Vec<&'static str>, String> {
    let parts = expression.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    let one_of = |part: &str| {
        let offered: Vec<&str> = part.split(" OR ").map(str::trim).collect();
        CHOICE.into_iter().find(|licence| offered.contains(licence))
    };
    let is_plain = !expression.contains(" AND ") || expression.split(" AND ").all(|part| !is_open_choice(part));
    let found: Option<Vec<_>> = parts.map(one_of).collect();
    found.filter(|_| is_plain).ok_or_else(|| format!("{expression}: no licence that is known to be free to take"))
}

/// Tells whether a part of an expression with AND has an OR outside of parentheses: that would be read wrongly.
fn is_open_choice(part: &str) -> bool {
    part.contains(" OR ") && !(part.starts_with('(') && part.ends_with(')'))
}

/// The texts that are quoted, each wording under a name of its own.
struct Texts {
    mit: String,
    /// Wording without its white space, to name and text.
    quoted: BTreeMap<String, (String, String)>,
}

impl Texts {
    /// Returns the name of a crate's licence in the file, and takes note of its text.
    fn name(&mut self, licence: &str, each: &Crate, papers: &BTreeMap<String, String>) -> Result<String, String> {
        if licence == "MIT" || COMMON.contains(&licence) {
            return Ok(licence.to_owned());
        }
        let of_others = |name: &str| ["apache", "mit"].iter().any(|other| name.to_lowercase().contains(other));
        let text: Vec<&str> = papers
            .iter()
            .filter(|(name, text)| !of_others(name) && !is_apache(text))
            .map(|(_, text)| text.trim())
            .collect();
        if text.is_empty() {
            return Err(format!("{} {} comes without the text of {licence}", each.name, each.version));
        }
        let text = text.join("\n\n");
        let wording = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let count = self.quoted.values().filter(|(name, _)| name.starts_with(licence)).count();
        let name = if count == 0 { licence.to_owned() } else { format!("{licence}-{}", count + 1) };
        Ok(self.quoted.entry(wording).or_insert((name, text)).0.clone())
    }

    fn stanzas(&self) -> String {
        let mit: String = self.mit.split_inclusive('\n').skip_while(|line| !line.starts_with("Permission")).collect();
        let at = |common| format!("On Debian systems the whole text stands in /usr/share/common-licenses/{common}.");
        let common = COMMON.iter().map(|common| ((*common).to_owned(), at(common)));
        let mut by_name: BTreeMap<String, String> = self.quoted.values().cloned().chain(common).collect();
        by_name.insert("MIT".to_owned(), mit);
        by_name
            .iter()
            .flat_map(|(name, text)| ["\nLicense: ".to_owned(), format!("{name}\n"), indented(text)])
            .collect()
    }
}

fn is_apache(text: &str) -> bool {
    text.trim_start().starts_with("Apache License")
}

fn stanza(files: &str, holders: &BTreeSet<String>, licences: &[String]) -> String {
    let holders: Vec<&str> = holders.iter().map(String::as_str).collect();
    format!("\nFiles: {files}/*\nCopyright: {}\nLicense: {}\n", holders.join("\n "), licences.join(" and "))
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.trim().is_empty() { " .\n".to_owned() } else { format!(" {}\n", line.trim_end()) };
    text.trim_end().lines().map(line).collect()
}

/// Reads the files of a crate that speak of licences and holders, by name.
fn papers(folder: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut papers = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let lower = name.to_lowercase();
        if entry.file_type()?.is_file() && FILES.iter().any(|beginning| lower.starts_with(beginning)) {
            let bytes = fs::read(entry.path())?;
            let bytes = bytes.get(..FILE_BYTES_MAX).unwrap_or(&bytes);
            papers.insert(name, String::from_utf8_lossy(bytes).into_owned());
        }
    }
    Ok(papers)
}

/// Returns who holds the copyright: what the crate's papers say, else its authors, else whoever wrote it.
fn holders(each: &Crate, papers: &BTreeMap<String, String>) -> BTreeSet<String> {
    let said: BTreeSet<String> = papers.values().flat_map(|text| text.lines()).filter_map(holder).collect();
    if !said.is_empty() {
        return said;
    }
    let authors: BTreeSet<String> = each.authors.iter().cloned().collect();
    if authors.is_empty() { BTreeSet::from([format!("the authors of {}", each.name)]) } else { authors }
}

/// Returns the holders that a line names; the templates in licences name none.
fn holder(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches(['/', '*', '#', ';', ' ']);
    let rest = ["Copyright (c)", "Copyright (C)", "Copyright ©", "Copyright:", "Copyright", "(c)", "©"]
        .iter()
        .find_map(|beginning| line.strip_prefix(beginning))?
        .trim();
    let begins_bare = line.starts_with(['(', '©']);
    let is_template = rest.contains(['[', '{', '<']) && !rest.contains('@');
    let has_year = rest.chars().next().is_some_and(|first| first.is_ascii_digit());
    let has_name = rest.chars().next().is_some_and(char::is_uppercase) || rest.starts_with("the ");
    let is_sentence =
        ["License", "Notice", "Statement", "Holder", "Owner", "and "].iter().any(|word| rest.starts_with(word));
    (!is_template && !is_sentence && (has_year || (has_name && !begins_bare)) && rest.len() < 160)
        .then(|| rest.to_owned())
}
