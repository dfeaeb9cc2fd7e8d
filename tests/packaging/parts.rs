//! The generated parts know every command and every crate, and every file that is packed is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{bill, changelog, commands, copyright, crates, home, table};

/// When the source was made, as far as these tests go.
const EPOCH: &str = "1795330249";

#[test]
fn each_command_has_a_manual_page_and_completions_and_a_hidden_one_has_none() {
    let folder = tempfile::tempdir().unwrap();
    commands::write(folder.path()).unwrap();
    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    let overview = read("man/nattvakt.1");
    let (hidden, seen): (Vec<_>, Vec<_>) =
        nattvakt::cli::command().get_subcommands().cloned().partition(clap::Command::is_hide_set);
    assert!(seen.iter().any(|command| command.get_name() == "run") && !hidden.is_empty());
    for command in &seen {
        let name = command.get_name();
        let page = read(&format!("man/nattvakt-{name}.1"));
        assert!(page.contains(".SH SYNOPSIS") && page.contains("Example"), "{name}");
        let listed = format!("nattvakt\\-{}(1)", name.replace('-', "\\-"));
        assert!(overview.contains(&listed), "{name} is missing in nattvakt(1)");
    }
    for shell in ["nattvakt.bash", "_nattvakt", "nattvakt.fish"] {
        let completions = read(&format!("completions/{shell}"));
        assert!(seen.iter().all(|command| completions.contains(command.get_name())), "{shell}");
        assert!(hidden.iter().all(|command| !completions.contains(command.get_name())), "{shell}");
    }
    assert_eq!(fs::read_dir(folder.path().join("man")).unwrap().count(), seen.len() + 1);
}

#[test]
fn the_copyright_names_every_crate_and_has_the_text_of_every_licence() {
    for crates in crates() {
        let text = copyright::text(crates).unwrap();
        for each in &crates.others {
            assert!(text.contains(&format!("\nFiles: {}-{}/*\n", each.name, each.version)), "{}", each.name);
        }
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let texts: BTreeSet<&str> = paragraphs.iter().filter_map(|each| each.strip_prefix("License: ")).collect();
        let texts: BTreeSet<&str> = texts.iter().filter_map(|each| each.lines().next()).collect();
        for named in text.lines().filter_map(|line| line.strip_prefix("License: ")) {
            for licence in named.split(" and ").flat_map(|part| part.split(" or ")) {
                assert!(texts.contains(licence), "{licence} is named and has no text");
            }
        }
        assert!(!text.contains("You must"), "a sentence of a licence was taken for a holder");
    }
}

#[test]
fn the_bill_of_materials_has_every_crate_with_its_checksum_and_what_it_needs() {
    let built = changelog::built(Some(EPOCH)).unwrap();
    for crates in crates() {
        let text = bill::json(crates, built).unwrap();
        assert_eq!(text, bill::json(crates, built).unwrap(), "the same bytes");
        let bill: Value = serde_json::from_str(&text).unwrap();
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), crates.others.len() + 1, "and Rust's standard library");
        let scope = |name: &str| &components.iter().find(|each| each["name"] == name).unwrap()["scope"];
        assert_eq!(
            [scope("tokio"), scope("ring"), scope("serde_derive"), scope("cc")],
            ["required", "required", "excluded", "excluded"]
        );
        assert!(components.iter().all(|each| each["name"] != "proptest"), "what tests need is in no package");
        let known: BTreeSet<&str> = components.iter().map(|each| each["bom-ref"].as_str().unwrap()).collect();
        for needed in
            bill["dependencies"].as_array().unwrap().iter().flat_map(|each| each["dependsOn"].as_array().unwrap())
        {
            assert!(known.contains(needed.as_str().unwrap()), "{needed} is needed and not listed");
        }
        for each in components.iter().filter(|each| each["name"] != "rust-std") {
            assert_eq!(each["hashes"][0]["content"].as_str().map(str::len), Some(64), "{}", each["name"]);
        }
    }
}

#[test]
fn the_changelog_is_for_this_version_and_fails_where_nothing_is_said_of_it() {
    let built = changelog::built(Some(EPOCH)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let text = changelog::debian(&fs::read_to_string(home().join("CHANGELOG.md")).unwrap(), built).unwrap();
    assert!(text.starts_with(&format!("nattvakt ({version}-1) ")), "{text}");
    assert!(text.contains(" -- nattvakt maintainers <") && text.contains("2026"), "{text}");
    let maintainer = table("Cargo.toml")["package"]["metadata"]["deb"]["maintainer"].as_str().unwrap().to_owned();
    assert_eq!(maintainer, changelog::MAINTAINER);
    assert!(changelog::debian("# Changes\n", built).is_err());
}

#[test]
fn every_file_that_is_packed_is_there_or_generated() {
    let manifest = table("Cargo.toml");
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    for asset in assets.iter().map(|asset| asset[0].as_str().unwrap()).filter(|asset| !asset.starts_with("target/")) {
        let path = home().join(asset);
        let (folder, end) = (path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap());
        let end = end.trim_start_matches('*');
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(files.any(|name| name.ends_with(end)), "{asset} is not there");
    }
}

#[test]
fn the_shell_can_read_the_maintainer_scripts() {
    for script in ["postinst", "prerm", "postrm"] {
        let path = home().join("systemd/debian").join(script);
        let output = Command::new("sh").arg("-n").arg(&path).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::read_to_string(path).unwrap().starts_with("#!/bin/sh\n"), "{script}");
    }
}

#[test]
fn the_configuration_that_comes_along_says_what_it_lacks_and_is_sound_once_that_is_there() {
    let text = fs::read_to_string(home().join("systemd/debian/nattvakt.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = checked(folder.path(), &text);
    assert!(code == Some(2) && said.contains("3 mistakes"), "{said}");
    let filled = text
        .replace("id = \"\"", "id = \"4601234567\"")
        .replace("port = \"\"", "port = \"/dev/serial/by-id/usb-mat\"")
        .replace("url = \"\"", "url = \"https://dispatch.example/alerts\"");
    let (code, said) = checked(folder.path(), &filled);
    assert!(code == Some(0) && said.contains(": sound: "), "{said}");
}

fn checked(folder: &Path, text: &str) -> (Option<i32>, String) {
    let file = folder.join("nattvakt.toml");
    fs::write(&file, text).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_nattvakt")).args(["check", "--elsewhere"]).arg(file).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}
