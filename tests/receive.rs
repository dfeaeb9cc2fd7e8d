//! `nattvakt receive`, the built program: what it prints, what it answers, how it ends.
#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::disallowed_methods, reason = "tests read clocks to sign and to know when to give up")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nattvakt::dispatch::https::signature::Keys;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const KEY: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

/// A running receiver. Killed when dropped.
struct Receiver {
    child: Child,
    lines: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
    address: SocketAddr,
}

impl Receiver {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
        command.args(["receive", "--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        errors.read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://").expect(&first).parse().unwrap();
        Self { child, lines, errors, address }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    fn signal(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a request over a connection of its own; returns status and body of the answer.
    fn request(&self, method: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut head = format!("{method} /any/path HTTP/1.1\r\nhost: here\r\nconnection: close\r\n");
        head.push_str("content-length: ");
        head.push_str(&body.len().to_string());
        for (name, value) in headers {
            head.extend(["\r\n", name, ": ", value]);
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A body that is refused for its size may be cut off by a reset after the answer.
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> u16 {
        let content_type = ("content-type", "application/cloudevents+json");
        self.request("POST", &[&[content_type], headers].concat(), body).0
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn event(id: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"urn:nattvakt:4601234567","type":"se.nattvakt.rise.v1","data":{{"bed":"bed-1","kind":"rise","priority":"alarm","text":"Har lämnat sängen","late":false}}}}"#
    )
}

fn secret(folder: &Path, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn each_post_is_one_flushed_line_with_the_event_as_it_came() {
    let mut receiver = Receiver::start(&["--format", "json"]);
    let body = event("7K2M9Q4T0XW5B8ZC");
    assert_eq!(receiver.post(&[], &body), 200);
    let line = receiver.line();
    let rest = line.strip_prefix(r#"{"received":""#).and_then(|line| line.split_once('"')).unwrap().1;
    let expected = r#","answer":200,"outcome":"accepted","repeat":false,"signature":"unchecked","event":"#;
    assert_eq!(rest, format!("{expected}{body}}}"));
    assert_eq!(receiver.post(&[], &body), 200);
    assert_eq!(receiver.json()["repeat"], true);
    assert_eq!(receiver.post(&[], &event("0000000000000001")), 200);
    assert_eq!(receiver.json()["repeat"], false);
}

#[test]
fn the_answer_names_the_id() {
    let receiver = Receiver::start(&[]);
    let headers = [("content-type", "application/cloudevents+json; charset=UTF-8")];
    let (status, body) = receiver.request("POST", &headers, &event("7K2M9Q4T0XW5B8ZC"));
    assert_eq!((status, body.as_str()), (200, r#"{"id":"7K2M9Q4T0XW5B8ZC"}"#));
}

#[test]
fn token_signature_time_and_body_are_refused_each_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let token = secret(folder.path(), "token", "s3cret\n");
    let key = secret(folder.path(), "key", KEY);
    let mut receiver = Receiver::start(&["--format", "json", "--token-file", &token, "--signing-key-file", &key]);
    let body = event("evt-1");
    let now = seconds_now();
    let mut check = |bearer: &str, time: u64, signed_body: &str, body: &str, expected: (u16, Value, &str)| {
        let time = time.to_string();
        let signature = Keys::parse(KEY).unwrap().sign("evt-1", &time, signed_body.as_bytes());
        let headers = [
            ("authorization", bearer),
            ("webhook-id", "evt-1"),
            ("webhook-timestamp", &time),
            ("webhook-signature", &signature),
        ];
        let status = receiver.post(&headers, body);
        let line = receiver.json();
        assert_eq!((status, line["reason"].clone(), line["signature"].as_str().unwrap()), expected, "{line}");
        assert_eq!(line["answer"], status);
        assert_eq!(line["outcome"], if status == 200 { "accepted" } else { "refused" });
    };
    check("Bearer s3cret", now, &body, &body, (200, Value::Null, "valid"));
    check("Bearer wrong", now, &body, &body, (401, "token".into(), "valid"));
    check("Bearer s3cret", now, "other", &body, (401, "signature".into(), "invalid"));
    check("Bearer s3cret", now - 3600, &body, &body, (401, "timestamp".into(), "valid"));
    check("Bearer s3cret", now, "{}", "{}", (400, "body".into(), "valid"));
    assert_eq!(receiver.post(&[("authorization", "Bearer s3cret")], &body), 401);
    assert_eq!(receiver.json()["signature"], "missing");
}

#[test]
fn what_is_no_event_is_refused_and_the_next_one_is_still_taken() {
    let mut receiver = Receiver::start(&["--format", "json"]);
    let (huge, deep) = (event(&"x".repeat(70_000)), "[".repeat(60_000));
    for body in ["", "hello", "{}", "[1,2]", "\u{0}", &huge, &deep] {
        assert_eq!(receiver.post(&[], body), 400);
        let line = receiver.json();
        assert_eq!((line["outcome"].as_str(), line["reason"].as_str()), (Some("refused"), Some("body")));
    }
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(receiver.request(method, &[], "").0, 405);
    }
    // One that breaks off in the middle is no POST and has no line.
    let mut half = TcpStream::connect(receiver.address).unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\nhalf").unwrap();
    drop(half);
    assert_eq!(receiver.post(&[], &event("evt-1")), 200);
    assert_eq!(receiver.json()["event"]["id"], "evt-1");
}

#[test]
fn the_table_shows_what_staff_would_hear() {
    let mut receiver = Receiver::start(&[]);
    receiver.post(&[], &event("evt-1"));
    let row = receiver.line();
    for part in ["accepted", "rise", "bed-1", "alarm", "Har lämnat sängen"] {
        assert!(row.contains(part), "{row}");
    }
}

#[test]
fn interrupt_and_terminate_end_it_well() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut receiver = Receiver::start(&[]);
        let _open = TcpStream::connect(receiver.address).unwrap();
        assert_eq!(receiver.signal(signal).code(), Some(0));
        let mut rest = String::new();
        receiver.errors.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn wrong_usage_is_told_and_ends_with_2_and_a_taken_port_with_1() {
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_nattvakt")).arg("receive").args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["--token-file", "/nonexistent/token"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("/nonexistent/token"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let key = secret(folder.path(), "key", "s3cret");
    let (code, text) = run(&["--signing-key-file", &key]);
    assert_eq!(code, Some(2));
    assert!(text.contains("whsec_") && !text.contains("s3cret"), "{text}");
    assert_eq!(run(&["--listen", "nonsense"]).0, Some(2));
    let taken = Receiver::start(&[]);
    let (code, text) = run(&["--listen", &taken.address.to_string()]);
    assert_eq!(code, Some(1));
    assert!(text.contains("cannot listen"), "{text}");
}

#[test]
fn help_ends_with_an_example() {
    let output = Command::new(env!("CARGO_BIN_EXE_nattvakt")).args(["receive", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let example = help.split("Example").nth(1).expect(&help);
    assert!(example.contains("nattvakt receive"), "{help}");
}
