//! A real mosquitto on free loopback ports, for tests: it stops with its value.
//!
//! Include it with `#[path = "support/mosquitto.rs"] mod mosquitto;`, under `#[expect(dead_code, reason = "…")]` where a
//! test needs only some of it. Publishing blocks until the broker has the message.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Who may connect.
#[derive(Debug)]
pub(crate) enum Access {
    /// Everybody.
    Open,
    /// Only this user with this password.
    Password { user: &'static str, password: &'static str },
    /// Over TLS, and only with a certificate of the same CA. The files are PEM.
    Certificate { ca: PathBuf, cert: PathBuf, key: PathBuf },
    /// Over TLS, and only this user with this password. The files are PEM.
    PasswordOverTls { user: &'static str, password: &'static str, ca: PathBuf, cert: PathBuf, key: PathBuf },
}

/// A broker that is running, or stopped for a while.
#[derive(Debug)]
pub(crate) struct Mosquitto {
    process: Option<Child>,
    folder: TempDir,
    access: Access,
    port: u16,
    /// Plain, for the tests' own messages.
    port_inside: u16,
}

impl Mosquitto {
    /// Starts a broker and waits until it answers.
    pub(crate) fn start(access: Access) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, other) = two_free_ports();
        let tls = matches!(access, Access::Certificate { .. } | Access::PasswordOverTls { .. });
        let port_inside = if tls { other } else { port };
        let mut broker = Self { process: None, folder, access, port, port_inside };
        broker.write_configuration();
        broker.start_again();
        broker
    }

    /// Returns the port that the program under test connects to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops the broker as a power cut would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts a stopped broker on the same port and waits until it answers. It has forgotten everything.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let log = File::create(self.folder.path().join("log")).unwrap();
        let process = Command::new(program("mosquitto"))
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        for _ in 0..500 {
            if self.connect().is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("mosquitto does not answer within 10 s; it says:\n{log}");
    }

    /// Publishes one message and waits until the broker has it.
    pub(crate) fn publish(&self, topic: &str, payload: impl AsRef<[u8]>, retain: bool) {
        let mut stream = self.connect().unwrap();
        let mut body = text(topic);
        body.extend([0, 1]);
        body.extend(payload.as_ref());
        stream.write_all(&packet(0x32 | u8::from(retain), &body)).unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x40, 2, 0, 1], "no acknowledgement");
        stream.write_all(&[0xe0, 0]).unwrap();
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port_inside))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut body = [text("MQTT"), vec![4]].concat();
        if let Access::Password { user, password } | Access::PasswordOverTls { user, password, .. } = &self.access {
            body.extend([0xc2, 0, 60]);
            body.extend([text(""), text(user), text(password)].concat());
        } else {
            body.extend([0x02, 0, 60]);
            body.extend(text(""));
        }
        stream.write_all(&packet(0x10, &body))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        if answer == [0x20, 2, 0, 0] { Ok(stream) } else { Err(io::Error::other(format!("{answer:?}"))) }
    }

    fn write_configuration(&self) {
        let path = |name: &str| self.folder.path().join(name);
        let mut text = format!("persistence false\nlistener {} 127.0.0.1\n", self.port);
        // A broker started by root gives its rights up, and could then not read its own folder.
        text.push_str("user root\n");
        match &self.access {
            Access::Open => text.push_str("allow_anonymous true\n"),
            Access::Password { user, password } => text.push_str(&self.only(user, password)),
            Access::Certificate { ca, cert, key } => {
                text.push_str("allow_anonymous true\n");
                text.push_str(&tls(ca, cert, key));
                write!(text, "require_certificate true\nlistener {} 127.0.0.1\n", self.port_inside).unwrap();
            }
            Access::PasswordOverTls { user, password, ca, cert, key } => {
                text.push_str(&self.only(user, password));
                text.push_str(&tls(ca, cert, key));
                writeln!(text, "listener {} 127.0.0.1", self.port_inside).unwrap();
            }
        }
        fs::write(path("mosquitto.conf"), text).unwrap();
    }

    /// Makes the file of users, and returns the lines that name it.
    fn only(&self, user: &str, password: &str) -> String {
        let file = self.folder.path().join("users");
        let mut maker = Command::new(program("mosquitto_passwd"));
        let made = maker.args(["-b", "-c"]).arg(&file).args([user, password]).status();
        assert!(made.unwrap().success());
        format!("allow_anonymous false\npassword_file {}\n", file.display())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Finds a program of Debian's package; `/usr/sbin` is in the path of root only.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/bin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(name)).find(|file| Path::is_file(file));
    found.unwrap_or_else(|| {
        panic!("{name} is missing: these tests need Debian's package mosquitto (tests/run installs it)")
    })
}

fn tls(ca: &Path, cert: &Path, key: &Path) -> String {
    let [ca, cert, key] = [ca, cert, key].map(Path::display);
    format!("cafile {ca}\ncertfile {cert}\nkeyfile {key}\n")
}

fn two_free_ports() -> (u16, u16) {
    let listeners = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let [one, two] = listeners.map(|listener| listener.local_addr().unwrap().port());
    (one, two)
}

fn text(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut rest = body.len();
    loop {
        let digit = u8::try_from(rest % 128).unwrap();
        rest /= 128;
        packet.push(if rest > 0 { digit | 128 } else { digit });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}
