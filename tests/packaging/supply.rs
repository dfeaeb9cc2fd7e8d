//! The crates keep to `.deny.toml`: the quick half of what cargo-deny looks at, from `cargo metadata` and the lock file.

use std::collections::{BTreeMap, BTreeSet};

use super::{crates, table};

/// The texts of a list in `.deny.toml`, or of one key of its tables.
fn listed(part: &str, list: &str, key: Option<&str>) -> BTreeSet<String> {
    let rules = table(".deny.toml");
    let entries = rules.get(part).and_then(|part| part.get(list)).and_then(toml::Value::as_array).unwrap();
    let text =
        |entry: &toml::Value| key.map_or(Some(entry), |key| entry.get(key)).unwrap().as_str().unwrap().to_owned();
    entries.iter().map(text).collect()
}

/// Tells whether an SPDX expression can be met with these licences alone.
fn is_free(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let parts = expression.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    parts.into_iter().all(|part| part.split(" OR ").any(|licence| allowed.contains(licence.trim())))
}

#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let allowed = listed("licenses", "allow", None);
    for each in crates().iter().flat_map(|crates| &crates.others) {
        assert!(is_free(&each.licence, &allowed), "{} {} is under {}", each.name, each.version, each.licence);
    }
}

#[test]
fn a_licence_that_is_not_allowed_is_noticed() {
    let allowed = listed("licenses", "allow", None);
    for bad in ["GPL-3.0-only", "MIT AND GPL-2.0-only", "(MIT OR Apache-2.0) AND LGPL-2.1-only", "", "SSPL-1.0"] {
        assert!(!is_free(bad, &allowed), "{bad}");
        assert!(super::copyright::taken(bad).is_err(), "{bad}");
    }
    assert!(is_free("MIT OR GPL-3.0-only", &allowed));
    assert_eq!(super::copyright::taken("(GPL-3.0-only OR MIT) AND Unicode-3.0"), Ok(vec!["MIT", "Unicode-3.0"]));
}

#[test]
fn no_crate_is_banned() {
    let banned = listed("bans", "deny", Some("crate"));
    assert!(banned.contains("openssl-sys") && banned.contains("native-tls") && banned.contains("cmake"));
    for each in crates().iter().flat_map(|crates| &crates.others) {
        assert!(!banned.contains(&each.name), "{} is banned in .deny.toml, which says why", each.name);
    }
}

#[test]
fn no_crate_is_there_twice_but_for_those_that_are_explained() {
    let explained = listed("bans", "skip", Some("crate"));
    for crates in crates() {
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for each in &crates.others {
            if !explained.contains(&format!("{}@{}", each.name, each.version)) {
                versions.entry(&each.name).or_default().push(&each.version);
            }
        }
        for (name, versions) in versions {
            assert_eq!(versions.len(), 1, "{name} is there as {versions:?}");
        }
    }
}

#[test]
fn every_crate_is_published_and_locked_by_its_checksum() {
    for each in crates().iter().flat_map(|crates| &crates.others) {
        assert!(each.checksum.is_some(), "{} {} comes from elsewhere", each.name, each.version);
    }
}
