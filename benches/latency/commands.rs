//! How the programs are started: the bare one by its arguments, the gateway by a configuration.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::broker::Broker;
use crate::feed::{EMPTY, Feed, LYING};
use crate::lane::Program;
use crate::receiver::Receiver;
use crate::{Case, Result, Way};

/// Returns the command that starts the bare program.
pub(crate) fn floor(case: &Case, broker: Option<&Broker>, feed: &Feed, receiver: &Receiver) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    match (case.way, broker, feed.port()) {
        (Way::Mqtt, Some(broker), _) => command.args(["floor", "mqtt"]).arg(broker.port().to_string()),
        (_, _, Some(port)) => command.args(["floor", "serial"]).arg(port),
        (_, _, None) => return Err("a case needs a broker or a port".into()),
    };
    command.arg(&receiver.url);
    Ok(command)
}

/// What the gateway shows to dispatch and signs with, by the names of the files.
const SECRETS: [(&str, &str); 2] =
    [("token", "a-token-of-usual-length-0123456789"), ("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];

/// Returns the command that starts the gateway; writes its configuration and secrets to `folder`.
pub(crate) fn daemon(
    case: &Case,
    broker: Option<&Broker>,
    feed: &Feed,
    receiver: &Receiver,
    folder: &Path,
) -> Result<Command> {
    let config = folder.join("nattvakt.toml");
    for (name, secret) in SECRETS {
        let file = folder.join(name);
        fs::write(&file, secret)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    }
    fs::write(&config, configuration(case, broker, feed, receiver, folder)?)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_nattvakt"));
    command.args(["run", "--config"]).arg(config);
    Ok(command)
}

/// Writes the configuration of the contract, for these mats, with nothing between a reading and its decision.
fn configuration(
    case: &Case,
    broker: Option<&Broker>,
    feed: &Feed,
    receiver: &Receiver,
    folder: &Path,
) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "[gateway]\nid = \"4601234567\"\ntime-zone = \"Europe/Stockholm\"\nclock = \"rtc\"")?;
    let [store, token, key] = ["store", "token", "key"].map(|name| folder.join(name).display().to_string());
    writeln!(text, "[store]\npath = \"{store}\"\nkeep = \"35d\"")?;
    if let Some(broker) = broker {
        writeln!(text, "[mqtt]\nurl = \"mqtt://127.0.0.1:{}\"", broker.port())?;
    }
    for mat in 0..case.mats {
        writeln!(text, "[[bed]]\nid = \"bed-{mat}\"\nwatch = \"always\"")?;
        match feed.port() {
            None => {
                let root = Program::Daemon.as_str();
                writeln!(
                    text,
                    "[bed.mqtt]\ntopic = \"{root}/bed-{mat}/pressure\"\nvalue = \"/pressure\"\ntime = \"/ts\""
                )?;
            }
            Some(port) => {
                let port = port.display();
                writeln!(text, "[bed.serial]\nport = \"{port}\"\nseparator = \",\"\ntime = 0\nvalue = 1")?;
            }
        }
        writeln!(text, "range = [0, 4095]")?;
        writeln!(text, "[bed.detect]\nconfirm = \"0s\"\nsettle = \"0s\"\nempty = {EMPTY}\noccupied = {LYING}")?;
    }
    writeln!(text, "[[dispatch]]\nname = \"larmcentral\"\nheartbeat = \"1min\"")?;
    writeln!(text, "[dispatch.https]\nurl = \"{}\"", receiver.url)?;
    writeln!(text, "token-file = \"{token}\"\nsigning-key-file = \"{key}\"")?;
    Ok(text)
}
