//! The figures as a person reads them: the aims at a glance, then by kind of mat, then each failure.

use crate::simulate::score::{Failure, Figures, Report};

/// Between columns.
const GAP: usize = 3;

/// Columns of the first table, in order; those without nights are left out.
const LEVELS: [&str; 4] = ["easy", "realistic", "nasty", "all"];

/// The report as text. `again` is the command that writes a drawn night.
pub(super) fn text(report: &Report, again: Option<&str>) -> String {
    let mut text = opening(report);
    let levels: Vec<(&str, &Figures)> =
        LEVELS.iter().filter_map(|level| Some((*level, report.groups.get(*level)?))).collect();
    text.push_str(&glance(&levels));
    for (level, figures) in levels.iter().filter(|(level, _)| *level != "all") {
        text.push_str(&told_for_nothing(level, figures));
    }
    text.push('\n');
    text.push_str(&by_kind(report));
    text.push_str(&failures(&report.failures, again));
    text
}

fn opening(report: &Report) -> String {
    let levels = if report.measured { "levels of installation day" } else { "levels as configured or learnt" };
    let nights = report.groups.get("all").map_or(0, |all| all.nights);
    format!("{nights} nights, confirm {}, {levels}\n\n", report.confirm)
}

/// The first table: a row a figure, a column a level.
fn glance(levels: &[(&str, &Figures)]) -> String {
    type Cell = fn(&Figures) -> String;
    let rows: [(&str, Cell); 15] = [
        ("nights", |f| f.nights.to_string()),
        ("rises found", |f| of(f.rises - f.missed.min(f.rises), f.rises)),
        ("  share", |f| percent(f.sensitivity)),
        ("  at least (95 %)", |f| percent(f.sens_low95)),
        ("  missed: too early, too late", |f| format!("{}, {}", f.early, f.late)),
        ("false alarms", |f| format!("{} ({:.3} a night)", f.false_alarms, f.fa_night)),
        ("latency, median", |f| seconds(f.lat_p50)),
        ("latency, 95 %", |f| seconds(f.lat_p95)),
        ("latency, longest", |f| seconds(f.lat_max)),
        ("returns found", |f| of(f.returns - f.returns_missed.min(f.returns), f.returns)),
        ("false returns", |f| f.false_returns.to_string()),
        ("faults found", |f| of(f.faults_found, f.faults)),
        ("false faults", |f| f.false_faults.to_string()),
        ("edges found (mats with zones)", |f| f.edges_found.map_or_else(|| "-".to_owned(), |found| of(found, f.edges))),
        ("false edges", |f| f.false_edges.to_string()),
    ];
    let line = |name: &str, cells: &mut dyn Iterator<Item = String>| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(cells).collect()
    };
    let mut lines = vec![line("", &mut levels.iter().map(|(level, _)| (*level).to_owned()))];
    lines.extend(rows.map(|(name, cell)| line(name, &mut levels.iter().map(|(_, figures)| cell(figures)))));
    aligned(&lines)
}

/// What was told without a cause at this level, and which faults were found; nothing where there is neither.
fn told_for_nothing(level: &str, figures: &Figures) -> String {
    let list = |words: Vec<String>| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let mut contexts: Vec<_> = figures.contexts.iter().collect();
    contexts.sort_by(|one, other| other.1.cmp(one.1));
    let contexts = list(contexts.iter().map(|(what, count)| format!("{what} {count}")).collect());
    let faults = figures.fault_kinds.iter().map(|(kind, (found, count))| format!("{kind} {found} of {count}"));
    format!("\n{level}: false alarms by what was going on: {contexts}; faults found: {}", list(faults.collect()))
}

/// The second table: a row a kind of mat and level.
fn by_kind(report: &Report) -> String {
    let heading =
        ["mat", "nights", "rises", "missed", "false alarms", "median", "95 %", "returns missed", "faults", "false"];
    let mut lines = vec![heading.map(str::to_owned).to_vec()];
    for (name, f) in report.groups.iter().filter(|(name, _)| name.contains(' ')) {
        lines.push(vec![
            name.clone(),
            f.nights.to_string(),
            f.rises.to_string(),
            f.missed.to_string(),
            f.false_alarms.to_string(),
            seconds(f.lat_p50),
            seconds(f.lat_p95),
            of(f.returns_missed, f.returns),
            of(f.faults_found, f.faults),
            f.false_faults.to_string(),
        ]);
    }
    format!("\n{}", aligned(&lines))
}

fn failures(failures: &[Failure], again: Option<&str>) -> String {
    if failures.is_empty() {
        return "\nNothing failed.\n".to_owned();
    }
    let heading = ["night", "time (UTC)", "second", "what", "note"].map(str::to_owned).to_vec();
    let mut lines = vec![heading];
    for Failure { night, time, second, what, note } in failures {
        lines.push(vec![night.clone(), format!("{time:.3}"), format!("{second:.1}"), what.clone(), note.clone()]);
    }
    let many = if failures.len() == 1 { "1 failure".to_owned() } else { format!("{} failures", failures.len()) };
    let mut text = format!("\n{many}\n\n");
    text.push_str(&left(&lines));
    if let Some(again) = again {
        text.extend(["\nA night as files, its seed being the number in its name: ", again, "\n"]);
    }
    text
}

fn of(part: u32, of: u32) -> String {
    format!("{part} of {of}")
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share} %"))
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2} s"))
}

/// Sets lines in columns: the first to the left, the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    set(lines, |column| column == 0)
}

/// Sets lines in columns, all to the left.
fn left(lines: &[Vec<String>]) -> String {
    set(lines, |_| true)
}

fn set(lines: &[Vec<String>], to_the_left: impl Fn(usize) -> bool) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if to_the_left(column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
