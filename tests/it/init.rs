//! `init` writes a configuration that passes `check`, from answers or flags, and overwrites nothing by itself.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::mosquitto::{Access, Mosquitto};
use crate::rig::{Home, Mat, Stream};

/// What the command answered.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs it on a home's file, with these answers on its standard input.
fn init(home: &Home, arguments: &[&str], answers: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.arg("init").args(arguments).arg(home.configuration()).env("TZ", "Europe/Stockholm");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that needs no answer may have ended.
    drop(child.stdin.take().unwrap().write_all(answers.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn check(home: &Home) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_nattvakt")).arg("check").arg(home.configuration()).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn written(home: &Home) -> String {
    fs::read_to_string(home.configuration()).unwrap()
}

const FLAGS: [&str; 5] = ["--yes", "--id", "4601234567", "--dispatch", "larmcentral=https://d.example/alerts"];

#[test]
fn an_evening_at_the_terminal_reads_like_this() {
    let home = Home::new();
    let answers = "46x\n4601234567\n\nen\n\n/dev/serial/by-id/usb-mat-1\n22-7\n22:00-07:30\n\ny\nbed-1\nbed-2\nmats/two\n\
                   always\n\nn\n\nhttps://d.example/alerts\n\n\nhttps://p.example/alerts\n\n";
    let said = init(&home, &["--elsewhere"], answers);
    assert_eq!(said.code, 0, "{}", said.stderr);
    // Answers are not echoed where they come from a pipe.
    let expected = "\
This home's number at dispatch, 1 to 16 digits:   a gateway id is 1 to 16 digits, such as \"4601234567\"
This home's number at dispatch, 1 to 16 digits: Its time zone [Europe/Stockholm]: Language of the texts that staff get, \
sv or en [sv]: Name of the bed, never of a person [bed-1]: The mat of bed-1: its port (/dev/…) or its MQTT topic:   \
read as: 115200 baud, columns between \",\" counted from 0, the value in
  column 0
Watched from when to when, or \"always\" [22:00-07:00]:   write it as 22:00-07:00, or always
Watched from when to when, or \"always\" [22:00-07:00]: Alarm when nobody lies in it by this time, or \"off\" [23:30]: \
Another bed [n]: Name of the bed, never of a person [bed-2]:   there is such a bed already
Name of the bed, never of a person [bed-2]: The mat of bed-2: its port (/dev/…) or its MQTT topic:   read as: the payload \
is a number
Watched from when to when, or \"always\" [22:00-07:00]: Alarm when nobody lies in it by this time, or \"off\" [off]: \
Another bed [n]: Name of dispatch [larmcentral]: Its address, https://…: File with its bearer token, or \"none\" [none]: \
File with its signing key, or \"none\" [none]: \
Address of a second dispatch, for when the first is away, or \"none\" [none]: Its name [nattpatrull]: ";
    assert_eq!(said.stderr, expected);
    let file = home.configuration().display().to_string();
    assert!(
        said.stdout.starts_with(&format!("{file} is written, and sound. Next:\n  "))
            && said.stdout.contains(&format!("nattvakt check {file} ")),
        "{}",
        said.stdout
    );
    let (code, told) = check(&home);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("sound: 2 beds, 2 channels to dispatch, 1 warning"), "the port is not plugged in: {told}");
    assert!(told.contains("Bed bed-1 is watched from 22:00 to 07:30."), "{told}");
    let mode = fs::metadata(home.configuration()).unwrap().permissions().mode();
    assert_eq!(mode & 0o022, 0, "nobody else may change it");
}

#[test]
fn what_arrives_is_looked_at_and_written_down() {
    let (home, mosquitto, mat) = (Home::new(), Mosquitto::start(Access::Open), Mat::zoned(&[812.0, 790.0]));
    let _stream = Stream::new(mosquitto.port(), "mats/plain");
    mosquitto.publish("zigbee2mqtt/bed", "{\"occupancy\":true,\"battery\":97}", true);
    let broker = format!("mqtt://127.0.0.1:{}", mosquitto.port());
    let one = format!("bed-1={}", mat.port().display());
    let beds = ["--bed", &one, "--bed", "bed-2=mats/plain", "--bed", "bed-3=zigbee2mqtt/bed"];
    let said = init(&home, &[&FLAGS[..], &["--listen", "1s", "--broker", &broker], &beds].concat(), "");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("lines a second at 115200 baud, such as \"812,790\""), "{}", said.stderr);
    assert!(said.stderr.contains("1 message, such as"), "{}", said.stderr);
    let file = written(&home);
    for line in ["value = [0, 1]", "contact = \"/occupancy\"", "topic = \"mats/plain\"", &format!("url = \"{broker}\"")]
    {
        assert!(file.lines().any(|one| one == line), "{line} is not in\n{file}");
    }
    let (code, told) = check(&home);
    assert_eq!((code, told.matches(" warning: ").count()), (0, 1), "one way to dispatch: {told}");
}

#[test]
fn a_file_that_is_there_stays_until_it_is_said_otherwise() {
    let home = Home::new();
    fs::write(home.configuration(), "mine").unwrap();
    let flags = [&FLAGS[..], &["--elsewhere", "--bed", "bed-1=mats/one"]].concat();
    let said = init(&home, &flags, "");
    assert_eq!((said.code, written(&home).as_str()), (2, "mine"));
    assert!(said.stderr.contains("--force"), "{}", said.stderr);
    let said = init(&home, &["--elsewhere"], "n\n");
    assert_eq!((said.code, written(&home).as_str()), (2, "mine"));
    let said = init(&home, &[&flags[..], &["--force"]].concat(), "");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(fs::read_to_string(home.path("nattvakt.toml.old")).unwrap(), "mine");
    assert_eq!(check(&home).0, 0);
}

#[test]
fn the_file_of_the_package_that_nobody_has_filled_in_is_replaced_and_kept() {
    let home = Home::new();
    let packaged = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/debian/nattvakt.toml");
    fs::copy(packaged, home.configuration()).unwrap();
    let said = init(&home, &[&FLAGS[..], &["--elsewhere", "--bed", "bed-1=mats/one"]].concat(), "");
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(fs::read(home.path("nattvakt.toml.old")).unwrap(), fs::read(packaged).unwrap());
    assert_eq!(check(&home).0, 0);
}

#[test]
fn what_is_missing_or_will_not_do_is_named_by_its_flag_and_nothing_is_written() {
    let home = Home::new();
    let with = |more: &[&str]| init(&home, &[&["--yes", "--elsewhere"], more].concat(), "");
    for (more, named) in [
        (&[][..], "--id is missing"),
        (&["--id", "x"], "--id x: "),
        (&["--id", "1", "--bed", "bed-1"], "--bed bed-1: write ID=PORT or ID=TOPIC"),
        (&["--id", "1", "--bed", "Anna=mats/a"], "--bed Anna=mats/a: "),
        (&["--id", "1", "--bed", "b=t"], "--dispatch is missing"),
        (&["--id", "1", "--bed", "b=t", "--dispatch", "https://d.example"], "write NAME=https://"),
        (&["--id", "1", "--bed", "b=t", "--dispatch", "d=http://d.example/"], "goes to another machine in plain text"),
        (&["--id", "1", "--bed", "b=t/#", "--dispatch", "d=https://d.example/"], "`topic` must name one mat"),
        (&["--id", "1", "--bed", "b=t", "--watch", "10"], "--watch 10: "),
    ] {
        let said = with(more);
        assert!(said.code == 2 && said.stderr.contains(named), "{more:?}: {} {}", said.code, said.stderr);
    }
    let said = init(&home, &["--elsewhere"], "4601234567\n");
    assert!(said.code == 2 && said.stderr.contains("no answer came; give it as --time-zone"), "{}", said.stderr);
    assert!(!Path::new(&home.configuration()).exists());
}
