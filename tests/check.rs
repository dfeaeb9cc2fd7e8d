//! `nattvakt check` as a technician runs it: the built binary, real files, exit codes and what stands on stdout.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// With one channel alone there would be a warning.
const SECOND_CHANNEL: &str = "[[dispatch]]\n[dispatch.https]\nurl = \"https://e.example/\"\n";

/// A folder with the files that a configuration names.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Checks a file with these keys of `[dispatch.https]`; `@` stands for the folder.
    fn check_https(&self, keys: &str) -> Answer {
        self.check(&format!(
            "[gateway]\nid = \"1\"\n[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n\
             [[dispatch]]\n[dispatch.https]\nurl = \"https://d.example/\"\n{keys}\n{SECOND_CHANNEL}"
        ))
    }

    fn check(&self, text: &str) -> Answer {
        let text = text.replace('@', self.folder.path().to_str().unwrap());
        let file = self.put("home.toml", text, 0o644);
        check(&[file.to_str().unwrap()])
    }
}

/// What the command answered.
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Answer {
    /// The lines that begin with a place, without the file's name.
    fn findings(&self) -> Vec<String> {
        let of_file = |line: &str| line.split_once("home.toml:").map(|(_, rest)| rest.to_owned());
        let found = self.stdout.lines().filter_map(of_file);
        found.filter(|line| line.contains(": error: ") || line.contains(": warning: ")).collect()
    }

    #[track_caller]
    fn assert_finds(&self, code: i32, expected: &[&str]) {
        let found = self.findings();
        let same =
            found.len() == expected.len() && found.iter().zip(expected).all(|(one, start)| one.starts_with(start));
        assert!(same && self.code == code, "expected {expected:#?}, exit {code}\n{}{}", self.stdout, self.stderr);
    }
}

fn check(arguments: &[&str]) -> Answer {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_nattvakt")).arg("check").args(arguments).output().unwrap();
    Answer {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn config(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name).to_str().unwrap().to_owned()
}

#[test]
fn the_annotated_file_is_sound_elsewhere_and_lacks_its_files_here() {
    let answer = check(&[&config("nattvakt.toml"), "--elsewhere"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    let (verdict, meaning) = answer.stdout.split_once("\n\n").unwrap();
    assert!(verdict.ends_with("nattvakt.toml: sound: 2 beds, 2 channels to dispatch"), "{}", answer.stdout);
    assert_eq!(verdict.lines().count(), 1);
    assert!(
        meaning.starts_with("Säng bed-1 bevakas från 22:00 till 07:00. När den boende går upp larmas"),
        "{meaning}"
    );
    assert_eq!(meaning.split("\n\n").count(), 3, "a paragraph a bed, and who is told");
    assert!(meaning.lines().all(|line| line.chars().count() <= 80), "{meaning}");
    let answer = check(&[&config("nattvakt.toml")]);
    assert_eq!(answer.code, 2);
    assert!(answer.stdout.contains("does not exist"), "{}", answer.stdout);
}

#[test]
fn a_mistake_is_shown_with_its_place_and_a_way_out() {
    let home = Home::new();
    let answer = home.check_https("tokenfile = \"/etc/token\"");
    let shown = "home.toml:10:1: error: unknown key `tokenfile` in [dispatch.https]\n   |\n10 | tokenfile = \"/etc/token\"\n   \
                 | ^^^^^^^^^\n   = help: did you mean `token-file`?\n";
    assert!(answer.stdout.contains(shown), "{}", answer.stdout);
    assert!(answer.stdout.ends_with("home.toml: 1 mistake\n"), "{}", answer.stdout);
    assert_eq!(answer.code, 2);
}

#[test]
fn secrets_have_to_be_there_and_kept_from_others() {
    let home = Home::new();
    home.put("token", "abc\n", 0o600);
    assert_eq!(home.check_https("token-file = \"@/token\"").code, 0);
    home.put("token", "abc\n", 0o644);
    home.check_https("token-file = \"@/token\"").assert_finds(2, &["10:14: error: `token-file`: "]);
    home.put("token", "a b\nc", 0o600);
    home.check_https("token-file = \"@/token\"").assert_finds(2, &["10:14: error: `token-file`: what stands in"]);
    home.put("token", "", 0o600);
    let answer = home.check_https("token-file = \"@/token\"");
    answer.assert_finds(2, &["10:14: error: `token-file`: "]);
    assert!(answer.stdout.contains("is empty"));
    let answer = home.check_https("token-file = \"@\"");
    assert!(answer.stdout.contains("is no plain file"), "{}", answer.stdout);
    let answer = home.check_https("token-file = \"@/none\"");
    assert!(answer.stdout.contains("does not exist"), "{}", answer.stdout);
}

#[test]
fn a_secret_that_a_whole_group_may_read_is_warned_of() {
    let home = Home::new();
    home.put("token", "abc\n", 0o640);
    let answer = home.check_https("token-file = \"@/token\"");
    answer.assert_finds(0, &["10:14: warning: `token-file`: "]);
    assert!(answer.stdout.contains("may be read by everybody in the group"), "{}", answer.stdout);
    assert!(answer.stdout.contains("= help: run `chmod g-r "), "{}", answer.stdout);
}

#[test]
fn a_machine_reads_the_same_as_a_person() {
    let home = Home::new();
    let json = |text: &str| {
        let file = home.put("home.toml", text, 0o644);
        let answer = check(&["--json", "--elsewhere", file.to_str().unwrap()]);
        let value: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        (answer.code, value)
    };
    let sound = "[gateway]\nid = \"1\"\nlanguage = \"en\"\n[[bed]]\nid = \"b\"\n[bed.mqtt]\ntopic = \"t\"\n\
                 [[dispatch]]\nname = \"larmcentral\"\n[dispatch.https]\nurl = \"https://d.example/\"\n";
    let (code, value) = json(sound);
    assert_eq!((code, &value["sound"]), (0, &true.into()));
    assert_eq!(value["meaning"][0]["bed"], "b");
    assert!(value["meaning"][0]["text"].as_str().unwrap().starts_with("Bed b is watched day and night."));
    let found = &value["findings"][0];
    assert_eq!((&found["severity"], &found["line"], &found["column"]), (&"warning".into(), &8.into(), &1.into()));
    let (code, value) = json("[gateway]\nid = 1\n");
    assert_eq!((code, &value["sound"], &value["findings"][0]["severity"]), (2, &false.into(), &"error".into()));
}

#[test]
fn signing_keys_are_read_and_never_shown() {
    let home = Home::new();
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    home.put("key", format!("{key}\n{key}\n"), 0o600);
    assert_eq!(home.check_https("signing-key-file = \"@/key\"").code, 0);
    for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_dG9vIHNob3J0", "whsec_!!!!"] {
        home.put("key", format!("{key}\n{wrong}\n"), 0o600);
        let answer = home.check_https("signing-key-file = \"@/key\"");
        answer.assert_finds(2, &["10:20: error: `signing-key-file`: line 2 of the file is no signing key"]);
        assert!(!answer.stdout.contains("MfKQ") && !answer.stdout.contains(wrong), "{}", answer.stdout);
    }
}

#[test]
fn certificates_and_keys_are_really_read() {
    let home = Home::new();
    let pair = || {
        let made = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let ((certificate, key), (_, other_key)) = (pair(), pair());
    home.put("ca.pem", &certificate, 0o644);
    home.put("cert.pem", &certificate, 0o644);
    home.put("cert.key", &key, 0o600);
    let keys = "ca-file = \"@/ca.pem\"\nclient-cert-file = \"@/cert.pem\"\nclient-key-file = \"@/cert.key\"";
    home.check_https(keys).assert_finds(0, &[]);
    home.put("cert.key", &other_key, 0o600);
    home.check_https(keys).assert_finds(2, &["11:20: error: `client-cert-file`: the TLS files do not fit"]);
    home.put("cert.key", &key, 0o644);
    home.check_https(keys).assert_finds(2, &["12:19: error: `client-key-file`: "]);
    home.put("cert.key", "no key", 0o600);
    home.put("ca.pem", "no certificate", 0o644);
    home.check_https(keys).assert_finds(2, &["10:11: error: `ca-file`: ", "12:19: error: `client-key-file`: "]);
    home.check_https("client-cert-file = \"@/cert.pem\"")
        .assert_finds(2, &["10:20: error: a client certificate needs its key"]);
}

#[test]
fn ports_may_be_missing_but_not_be_something_else_or_read_twice() {
    let home = Home::new();
    let two = "[gateway]\nid = \"1\"\n[[bed]]\nid = \"a\"\n[bed.serial]\nport = \"@/one\"\n[[bed]]\nid = \"b\"\n\
               [bed.serial]\nport = \"@/two\"\n[[dispatch]]\n[dispatch.https]\nurl = \"https://d.example/\"\n";
    let two = &format!("{two}{SECOND_CHANNEL}");
    home.check(two).assert_finds(0, &["6:8: warning: `port`: ", "10:8: warning: `port`: "]);
    home.put("one", "", 0o644);
    home.check(two).assert_finds(2, &["6:8: error: `port`: ", "10:8: warning: `port`: "]);
    fs::remove_file(home.path("one")).unwrap();
    // Any character device will do: a port is never opened by a check.
    symlink("/dev/null", home.path("one")).unwrap();
    symlink("/dev/null", home.path("two")).unwrap();
    home.check(two).assert_finds(2, &["10:8: error: `port`: "]);
}

#[test]
fn a_file_that_is_missing_or_none_is_told_by_name() {
    let home = Home::new();
    for path in [home.path("none.toml"), home.folder.path().to_owned(), "/dev/zero".into()] {
        let answer = check(&[path.to_str().unwrap(), "--elsewhere"]);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
        assert!(answer.stderr.contains(path.to_str().unwrap()), "{}", answer.stderr);
    }
}

#[test]
fn what_is_no_configuration_at_all_ends_soon_and_clearly() {
    let home = Home::new();
    let cases: &[(&[u8], &str)] = &[
        (&vec![b'a'; 10 * 1024 * 1024], "home.toml:1:1: error: the file is larger than"),
        (b"[gateway]\nid = \"\0\"\n", "home.toml:2:7: error: a NUL byte stands here"),
        (b"[gateway]\n# \xff\n", "home.toml:2:3: error: this byte is no UTF-8 text"),
        (&b"a = [".repeat(20_000), "home.toml:1:"),
        (&b"x\n".repeat(50_000), "home.toml:1:2: error: `=` is missing"),
    ];
    for (content, expected) in cases {
        let file = home.put("home.toml", content, 0o644);
        let answer = check(&[file.to_str().unwrap()]);
        assert_eq!(answer.code, 2);
        assert!(answer.stdout.contains(expected), "{expected}: {:.300}", answer.stdout);
        assert!(answer.stdout.len() < 100_000);
    }
}

#[test]
fn help_teaches_and_wrong_usage_is_2() {
    let answer = check(&["--help"]);
    assert_eq!(answer.code, 0);
    assert!(answer.stdout.contains("--elsewhere") && answer.stdout.contains("Example:"), "{}", answer.stdout);
    assert_eq!(check(&["--nonsense"]).code, 2);
}

#[test]
fn a_certificate_that_has_ended_or_soon_will_is_a_warning_and_no_mistake() {
    let home = Home::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let until = |year| {
        let mut params = rcgen::CertificateParams::new(vec!["gateway.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.self_signed(&key).unwrap().pem()
    };
    home.put("cert.key", key.serialize_pem(), 0o600);
    let keys = "client-cert-file = \"@/cert.pem\"\nclient-key-file = \"@/cert.key\"";
    home.put("cert.pem", until(2020), 0o644);
    home.check_https(keys).assert_finds(0, &["10:20: warning: `client-cert-file`: "]);
    home.put("cert.pem", until(2100), 0o644);
    home.check_https(keys).assert_finds(0, &[]);
}
