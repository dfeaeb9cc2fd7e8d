//! Files with secrets that are missing, or that everybody may read.

use crate::rig::{Home, broker, channel, ended, mqtt_bed, program};

/// A configuration whose file under `key` is as given, run for the first time: exit 2, and the file is named.
fn refused(key: &str, content: Option<(&str, u32)>, words: &str) {
    let home = Home::new();
    let file = home.path("secret");
    if let Some((content, mode)) = content {
        home.put("secret", content, mode);
    }
    let line = format!("{key} = \"{}\"", file.display());
    let (of_broker, of_dispatch) = match key {
        "password-file" => (format!("user = \"mats\"\n{line}"), String::new()),
        _ => (String::new(), line),
    };
    let tables = [broker(1, &of_broker), mqtt_bed("bed"), channel("d", "https://localhost:1/alerts", &of_dispatch)];
    let mut run = program(&["run", "--config"]);
    run.arg(home.configure(&tables)).env("STATE_DIRECTORY", home.path("state"));
    let run = ended(run);
    assert_eq!(run.code, 2, "{key}: {run:?}");
    assert!(run.stderr.contains(words) && run.stderr.contains(file.to_str().unwrap()), "{key}: {run:?}");
    assert!(!run.stderr.contains("telltale"), "{key}: {run:?}");
    assert!(!home.path("store").exists() && !home.path("state").exists(), "nothing is touched before the check");
}

const KEYS: [&str; 3] = ["password-file", "token-file", "signing-key-file"];

#[test]
fn a_missing_secret_ends_the_first_start() {
    for key in KEYS.into_iter().chain(["ca-file"]) {
        refused(key, None, "error: ");
    }
}

#[test]
fn a_secret_that_everybody_may_read_ends_the_first_start() {
    for key in KEYS {
        refused(key, Some(("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n", 0o644)), "may be read by everybody");
    }
}

#[test]
fn a_secret_that_is_none_ends_the_first_start_and_is_not_shown() {
    for key in KEYS {
        refused(key, Some(("\n", 0o600)), "is empty");
    }
    refused("signing-key-file", Some(("telltale-no-key\n", 0o600)), "error: ");
    refused("ca-file", Some(("telltale-no-certificate\n", 0o644)), "error: ");
}
