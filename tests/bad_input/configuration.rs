//! Configuration files that are none: a first start ends with exit 2, a gateway that has run before goes on.

use std::fs;
use std::path::{Path, PathBuf};

use nattvakt::sensor::simulated::SimulatedLine;

use crate::receiver::Dispatch;
use crate::rig::{Daemon, Home, channel, ended, program, rise, serial_bed, wait_until_told};

/// Files that are no configuration, and how what is said of them begins, after the name of the file.
fn broken_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("10 MB", vec![b'#'; 10_000_000], ":1:1: error: the file is larger than 256 KiB"),
        ("10 MB of keys", b"key = \"value\"\n".repeat(700_000), ":1:1: error: the file is larger than 256 KiB"),
        ("a NUL byte", b"[gateway]\nid = \"4\0\"\n".to_vec(), ":2:8: error: a NUL byte stands here"),
        ("not UTF-8", b"[gateway]\n# h\xe5ll\n".to_vec(), ":2:4: error: this byte is no UTF-8 text"),
        ("deep", format!("a = {}", "[".repeat(100_000)).into_bytes(), ":1:"),
        ("empty", Vec::new(), ": error: "),
    ]
}

/// Runs `check` and `run` over a file; both must end with exit 2. Returns what each said on the stream that is for it.
fn refused(file: &Path, home: &Home) -> (String, String) {
    let mut check = program(&["check"]);
    check.arg(file);
    let mut run = program(&["run", "--config"]);
    run.arg(file).env("STATE_DIRECTORY", home.path("no-state"));
    let [check, run] = [check, run].map(ended);
    assert_eq!((check.code, run.code), (2, 2), "{check:?} {run:?}");
    assert_eq!(run.stdout, "", "results only");
    (check.stdout + &check.stderr, run.stderr)
}

#[test]
fn a_file_that_is_no_configuration_is_refused_with_the_place() {
    let home = Home::new();
    for (name, bytes, words) in broken_files() {
        let file = home.put("nattvakt.toml", bytes, 0o644);
        let mut check = program(&["check"]);
        check.arg(&file);
        let check = ended(check);
        assert_eq!((check.code, check.stderr.as_str()), (2, ""), "{name}: {check:?}");
        let first = check.stdout.lines().next().unwrap();
        let place = first.strip_prefix(file.to_str().unwrap()).unwrap_or_else(|| panic!("{name}: {first}"));
        assert!(place.contains(words), "{name}: {first}");
        let (_, run) = refused(&file, &home);
        assert!(run.starts_with("nattvakt: the configuration is not sound") && run.contains(first), "{name}: {run}");
        assert!(run.len() < 10_000, "{name}: {} bytes", run.len());
    }
}

#[test]
fn what_is_no_file_is_refused_by_name() {
    let home = Home::new();
    let (folder, missing) = (home.path("folder"), home.path("missing.toml"));
    fs::create_dir(&folder).unwrap();
    for (path, words) in
        [(&folder, "no plain file"), (&missing, "there is no such file"), (&folder.join("x"), "no such")]
    {
        let (check, run) = refused(path, &home);
        let named = format!("nattvakt: {}: ", path.display());
        for said in [check, run] {
            assert!(said.starts_with(&named) && said.contains(words), "{said}");
        }
    }
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let home = Home::new();
    for table in [
        "[mqtt]\nurl = \"mqtt://anna:hunter2-617@127.0.0.1\"\n[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n"
            .to_owned(),
        channel("d", "https://anna:hunter2-617@dispatch.example/", ""),
    ] {
        let (check, run) = refused(&home.configure(&[table]), &home);
        for said in [check, run] {
            assert!(said.contains("must not hold a user or password"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}

/// Everything that a file may turn into but missing, and what is said of it.
fn broken_edits() -> Vec<(Vec<u8>, &'static str)> {
    let mut edits: Vec<_> = broken_files().into_iter().map(|(_, bytes, words)| (bytes, words)).collect();
    edits.push((b"[gateway]\nid = \"460".to_vec(), ":2:10: error: the closing quote is missing"));
    edits
}

#[test]
fn a_gateway_that_has_run_before_goes_on_with_what_it_accepted_and_says_so() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let tables = [serial_bed("bed", line.port()), channel("d", dispatch.url(), "")];
    let file = home.configure(&tables);
    let state = home.path("state");
    let start = |file: &Path| {
        Daemon::start_with(file, |command| {
            command.env("STATE_DIRECTORY", &state);
        })
    };
    let daemon = start(&file);
    rise("bed", &line, &dispatch);
    daemon.stop_well();

    let sound = fs::read(&file).unwrap();
    for (number, (bytes, words)) in broken_edits().into_iter().enumerate() {
        fs::write(&file, bytes).unwrap();
        let daemon = start(&file);
        let said =
            daemon.wait_for_line(&["WARN", "The configuration file is not sound; the last accepted one is used"]);
        assert!(daemon.log().contains(words), "{said}");
        rise("bed", &line, &dispatch);
        if number == 0 {
            let fault = wait_until_told(&dispatch, "gateway-fault configuration");
            assert!(fault.json()["data"]["detail"].as_str().unwrap().contains(words), "{}", fault.body);
        }
        daemon.stop_well();
    }
    fs::remove_file(&file).unwrap();
    let mut run = program(&["run", "--config"]);
    run.arg(&file).env("STATE_DIRECTORY", &state);
    assert_eq!(ended(run).code, 2, "a missing file is wrong usage always");

    fs::write(&file, sound).unwrap();
    let daemon = start(&file);
    wait_until_told(&dispatch, "gateway-restored configuration");
    rise("bed", &line, &dispatch);
    daemon.stop_well();
}

#[test]
fn a_broken_file_still_says_where_the_store_with_the_accepted_one_is() {
    let (home, dispatch, line) = (Home::new(), Dispatch::plain(), SimulatedLine::open().unwrap());
    let file = home.configure(&[serial_bed("bed", line.port()), channel("d", dispatch.url(), "")]);
    Daemon::start(&file).wait_for_line(&["Store is open"]);
    kept(&home.path("store/accepted.toml"), &file);
    let sound = fs::read_to_string(&file).unwrap();
    for broken in [sound.clone() + "# \0\n", sound.clone() + "[[bed\n", sound.replacen("id = ", "id ", 1)] {
        fs::write(&file, broken).unwrap();
        let daemon = Daemon::start(&file);
        daemon.wait_for_line(&["the last accepted one is used"]);
        rise("bed", &line, &dispatch);
        daemon.stop_well();
    }
    let mut latin = sound.into_bytes();
    latin.extend(b"# h\xe5ll\n");
    fs::write(&file, latin).unwrap();
    let daemon = Daemon::start(&file);
    rise("bed", &line, &dispatch);
    daemon.stop_well();
}

/// Waits until the accepted configuration is kept: it is written beside the start.
fn kept(accepted: &Path, file: &Path) -> PathBuf {
    crate::rig::eventually("the accepted configuration is kept", || {
        (fs::read(accepted).ok()? == fs::read(file).unwrap()).then(|| accepted.to_owned())
    })
}
