//! What is proven at a bed comes onto the page that stays there.

use std::process::{Command, Output};

use crate::rig::{Daemon, Home, one_bed, until_true};

fn nattvakt(home: &Home, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(arguments).arg("--config").arg(home.configuration()).env_remove("RUNTIME_DIRECTORY");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_test_that_dispatch_accepted_stands_on_the_page_also_after_a_restart() {
    let (home, _mat, _dispatch) = one_bed("");
    let daemon = Daemon::start(&home);
    until_true("the socket is open", || daemon.log().iter().any(|line| line.contains("Control socket is open")));
    let before = nattvakt(&home, &["handover", "bed-1", "--language", "en"]);
    assert_eq!(before.status.code(), Some(1), "{before:?}");
    assert!(said(&before).contains("NOT SENT") && said(&before).contains("NOT DONE"), "{before:?}");

    let test = nattvakt(&home, &["test-alert", "bed-1"]);
    assert!(test.status.success(), "{test:?}");
    assert!(daemon.terminate().success());
    let daemon = Daemon::start(&home);
    until_true("the socket is open", || daemon.log().iter().any(|line| line.contains("Control socket is open")));
    let page = said(&nattvakt(&home, &["handover", "bed-1", "--language", "en"]));
    assert!(page.contains("accepted by larmcentral after") && page.contains("NOT DONE"), "{page}");

    let json = said(&nattvakt(&home, &["handover", "bed-1", "--language", "en", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["sections"].as_array().unwrap().iter().any(|section| section["proven"] == false), "{json:#}");

    let file = home.path("bed-1.html");
    let output = nattvakt(&home, &["handover", "bed-1", "--html", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "the mat is not proven: {output:?}");
    assert!(std::fs::read_to_string(file).unwrap().contains("mottaget av larmcentral"));
}
