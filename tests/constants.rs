//! Every named constant of the detector stands in `docs/detection.md` with its value, unit, reason and source.
//!
//! Value and reason are those of the code; unit and source are written in the page by hand, and kept. When constants have
//! come, gone or changed:
//!
//! ```text
//! NATTVAKT_WRITE_CONSTANTS=1 cargo test --test constants
//! ```
//!
//! and fill in what stays open. An empty unit or source is a failure.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// The lines of the page between which the tables stand.
const BEGIN: &str = "<!-- constants: written by `NATTVAKT_WRITE_CONSTANTS=1 cargo test --test constants` -->";
const END: &str = "<!-- end of constants -->";

/// What is written by hand: the unit and the source of a constant, by file and name.
type ByHand = BTreeMap<(String, String), (String, String)>;

struct Constant {
    name: String,
    value: String,
    /// Known from the type alone for durations.
    unit: Option<&'static str>,
    reason: String,
}

fn path(inside: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(inside)
}

/// The files of the detector, by name, each with its constants in order.
fn detector() -> BTreeMap<String, Vec<Constant>> {
    let files = fs::read_dir(path("src/detect")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let named = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.map(|path| (named(path.clone()), constants(&fs::read_to_string(path).unwrap()))).collect()
}

fn constants(code: &str) -> Vec<Constant> {
    let mut constants = Vec::new();
    let mut reason = String::new();
    for line in code.split("#[cfg(test)]\nmod tests {").next().unwrap().lines() {
        if let Some(more) = line.strip_prefix("///") {
            reason.push_str(more);
        } else if let Some((name, value)) = declared(line) {
            let (value, unit) = value_and_unit(value);
            let reason = std::mem::take(&mut reason).trim().replace('|', "\\|");
            constants.push(Constant { name: name.to_owned(), value, unit, reason });
        } else {
            reason.clear();
        }
    }
    constants
}

/// Returns name and value of a constant that is declared in this line, outside any item.
fn declared(line: &str) -> Option<(&str, &str)> {
    let line = ["pub(super) ", "pub "].iter().find_map(|visible| line.strip_prefix(visible)).unwrap_or(line);
    let (name, typed) = line.strip_prefix("const ")?.split_once(':')?;
    let name =
        Some(name).filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))?;
    Some((name, typed.split_once(" = ")?.1.strip_suffix(';')?))
}

/// Returns a duration as a number and its unit, and anything else as it stands in the code.
fn value_and_unit(value: &str) -> (String, Option<&'static str>) {
    let units = [("from_millis(", 1), ("from_secs(", 1_000), ("from_mins(", 60_000), ("from_hours(", 3_600_000)];
    let inside = units.iter().find_map(|(of, millis)| Some((value.split_once(of)?.1.strip_suffix(')')?, *millis)));
    let number = |factor: &str| factor.trim().replace('_', "").parse::<u64>();
    let factors = |product: &str| product.split('*').map(number).product::<Result<u64, _>>();
    let Some((Ok(count), millis)) = inside.map(|(product, millis)| (factors(product), millis)) else {
        return (value.rsplit("::").next().unwrap().to_owned(), None);
    };
    let fitting = [("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];
    let total = count * millis;
    let fits = |(unit, size): &(&'static str, u64)| {
        (total % size == 0 && (total > *size || *unit == "s")).then_some((total / size, *unit))
    };
    let (count, unit) = fitting.iter().find_map(fits).unwrap_or((total, "ms"));
    (count.to_string(), Some(unit))
}

/// The tables as they should stand in the page.
fn tables(by_hand: &ByHand) -> String {
    let mut text = String::new();
    for (file, constants) in detector().into_iter().filter(|(_, constants)| !constants.is_empty()) {
        write!(text, "\n### {file}\n\n| name | value | unit | reason | source |\n| --- | ---: | --- | --- | --- |\n")
            .unwrap();
        for Constant { name, value, unit, reason } in constants {
            let (known, source) = by_hand.get(&(file.clone(), name.clone())).cloned().unwrap_or_default();
            let unit = unit.unwrap_or(&known);
            writeln!(text, "| `{name}` | {value} | {unit} | {reason} | {source} |").unwrap();
        }
    }
    text
}

/// Reads the units and sources from the tables of the page.
fn by_hand(tables: &str) -> ByHand {
    let mut known = ByHand::new();
    let mut file = String::new();
    for line in tables.lines() {
        if let Some(name) = line.strip_prefix("### ") {
            name.clone_into(&mut file);
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<&str> = row.split(" | ").collect();
            if let [name, _, unit, .., source] = &cells[..] {
                let source = source.trim_end_matches('|').trim().to_owned();
                known.insert((file.clone(), name.trim_end_matches('`').to_owned()), (unit.trim().to_owned(), source));
            }
        }
    }
    known
}

#[test]
fn the_page_has_every_constant_with_its_value_unit_reason_and_source() {
    let page = fs::read_to_string(path("docs/detection.md")).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (old, after) = rest.split_once(END).unwrap();
    let new = format!("\n{}\n", tables(&by_hand(old)));
    if std::env::var_os("NATTVAKT_WRITE_CONSTANTS").is_some() {
        fs::write(path("docs/detection.md"), format!("{before}{BEGIN}{new}{END}{after}")).unwrap();
    } else {
        let differing = new.lines().find(|line| !old.lines().any(|other| other == *line));
        assert!(old == new, "docs/detection.md is not up to date (see tests/constants.rs): {differing:?}");
    }
    let open: Vec<&str> = new.lines().filter(|row| row.starts_with("| `") && row.contains("|  |")).collect();
    assert!(open.is_empty(), "without unit, reason or source:\n{}", open.join("\n"));
}

#[test]
fn a_constant_is_read_with_its_unit_and_reason() {
    let code = "/// Longer than a lift …\n/// … of the hips.\npub(super) const LIFT: Duration = Duration::from_millis(2_500);\n\
                /// Not this one.\nfn other() {}\nconst SIX_HOURS: Duration = Duration::from_secs(6 * 3600);\n";
    let read: Vec<(String, String, Option<&str>, String)> =
        constants(code).into_iter().map(|each| (each.name, each.value, each.unit, each.reason)).collect();
    let row = |name: &str, value: &str, unit, reason: &str| {
        (name.to_owned(), value.to_owned(), Some(unit), reason.to_owned())
    };
    assert_eq!(
        read,
        [row("LIFT", "2500", "ms", "Longer than a lift … … of the hips."), row("SIX_HOURS", "6", "h", "")]
    );
}
