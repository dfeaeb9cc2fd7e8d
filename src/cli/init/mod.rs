//! `nattvakt init`: asks a few questions, looks at what is plugged in and what talks, and writes a configuration.

mod ask;
mod guess;
mod here;
mod home;
mod template;
mod write;

use std::io::{self, BufRead, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::doctor::progress::Progress;
use super::{Failure, block_on, doctor, fit, print, words};
use crate::config::{self, Looks};
use crate::model::{BedId, GatewayId};
use ask::Asker;
use here::Candidate;
use home::{Broker, Channel, Home, NewBed, Reads, Source};

/// Where the token of dispatch lies if one did as the documents say.
const TOKEN_FILE: &str = "/etc/nattvakt/dispatch.token";

/// And its signing key.
const SIGNING_KEY_FILE: &str = "/etc/nattvakt/dispatch.key";

/// Asks a few questions and writes a configuration for this home, with a sentence on every key.
///
/// It looks which serial ports are plugged in and which MQTT topics talk, and shows what arrives on them; the mat of each
/// bed is picked from that list. Each question has a flag; with `--yes` nothing is asked, and what has a default is taken.
/// Questions go to stderr. A file that is there is not overwritten without being told.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 the file is written, 1 it could not be, 2 something is missing or will not do.

Example:
  sudo nattvakt init
  nattvakt init --yes --elsewhere --id 4601234567 --bed bed-1=mats/bed-1 \\
      --dispatch larmcentral=https://dispatch.example/alerts home.toml")]
pub(crate) struct Args {
    /// Where to write it; `-` is stdout.
    #[arg(value_name = "FILE", default_value = config::DEFAULT_FILE)]
    file: PathBuf,

    /// The number by which dispatch knows this home: 1 to 16 digits.
    #[arg(long, value_name = "NUMBER")]
    id: Option<String>,

    /// The home's time zone, such as Europe/Stockholm.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    /// The language of the texts that staff get: sv or en.
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// A bed and its mat: a port (a path) or an MQTT topic. May be given several times.
    #[arg(long = "bed", value_name = "ID=MAT")]
    beds: Vec<String>,

    /// When the beds are watched: "22:00-07:00" or "always".
    #[arg(long, value_name = "FROM-TO")]
    watch: Option<String>,

    /// By when somebody should lie in the beds: "23:30" or "off".
    #[arg(long, value_name = "TIME")]
    not_in_bed: Option<String>,

    /// Where alerts go: a name and an address. May be given several times; the first is tried first.
    #[arg(long = "dispatch", value_name = "NAME=URL")]
    channels: Vec<String>,

    /// File with the bearer token of the first of them.
    #[arg(long, value_name = "F")]
    token_file: Option<String>,

    /// File with the signing key of the first of them.
    #[arg(long, value_name = "F")]
    signing_key_file: Option<String>,

    /// The MQTT broker.
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883")]
    broker: String,

    /// User at the broker.
    #[arg(long, value_name = "NAME", requires = "broker_password_file")]
    broker_user: Option<String>,

    /// File with that user's password.
    #[arg(long, value_name = "F", requires = "broker_user")]
    broker_password_file: Option<String>,

    /// How long each port and the broker are listened to: "1s" to "10min".
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = doctor::listen)]
    listen: Duration,

    /// Look at neither ports nor broker: the file is for another machine.
    #[arg(long)]
    elsewhere: bool,

    /// Ask nothing; take what the flags say, and the defaults.
    #[arg(long)]
    yes: bool,

    /// Overwrite a file that is there; it is kept beside it with `.old` at its end.
    #[arg(long)]
    force: bool,
}

impl Args {
    /// Asks, looks, and writes.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let (mut input, mut output) = (stdin().lock(), stderr());
        let input: Option<&mut dyn BufRead> = if self.yes { None } else { Some(&mut input) };
        let mut asker = Asker::new(input, &mut output);
        let to_stdout = self.file == Path::new("-");
        if !to_stdout {
            self.may_write(&mut asker)?;
        }
        let home = self.home(&mut asker)?;
        let text = template::write(&home);
        let name = self.file.display().to_string();
        let sound = config::parse(&text, &name, Looks::Elsewhere).map_err(Failure::usage)?;
        if to_stdout {
            print(&text)?;
        } else {
            write::write(&self.file, &text).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
            let warnings = match sound.report.warnings() {
                0 => String::new(),
                count => format!(" ({})", super::many(count, "warning")),
            };
            let argument =
                if self.file == Path::new(config::DEFAULT_FILE) { String::new() } else { format!(" {name}") };
            let sudo = words::sudo();
            let (to_check, to_doctor) = if words::columns(io::stdout()) < words::COLUMNS_TABLE {
                ("\n    ", "\n    ")
            } else {
                ("     ", "    ")
            };
            let after = format!(
                "{name} is written, and sound{warnings}. Next:\n  {sudo}nattvakt check{argument}{to_check}what it means, and \
                 what is missing\n  {sudo}nattvakt doctor{argument}{to_doctor}from the plug to dispatch\n"
            );
            print(&fit(&after))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks first: nobody likes to have answered for nothing. What nobody has filled in yet is no loss, and kept all the same.
    fn may_write(&self, asker: &mut Asker<'_>) -> Result<(), Failure> {
        if self.force || self.file.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
        if is_unfilled(&self.file) {
            return Ok(());
        }
        let name = self.file.display();
        let question = format!("{name} is there.\nWrite a new one? The old one is kept beside it.");
        if !self.yes && asker.yes(&question, "--force", false)? {
            return Ok(());
        }
        Err(Failure::usage(format!("{name} is there and was left as it is; --force overwrites it")))
    }

    /// Takes the name of a file with a secret; where it lies in its usual place, that is the default.
    fn secret(
        &self,
        asker: &mut Asker<'_>,
        question: &str,
        flag: &str,
        given: Option<&str>,
        usual: &str,
    ) -> Result<Option<String>, Failure> {
        let default = if !self.elsewhere && Path::new(usual).exists() { usual } else { "none" };
        let file = asker.take(question, flag, given, Some(default), some)?;
        Ok(Some(file).filter(|file| file != "none"))
    }

    fn home(&self, asker: &mut Asker<'_>) -> Result<Home, Failure> {
        let id =
            asker.take("This home's number at dispatch, 1 to 16 digits", "--id", self.id.as_deref(), None, gateway)?;
        let zone = system_zone();
        let time_zone =
            asker.take("Its time zone", "--time-zone", self.time_zone.as_deref(), Some(&zone), time_zone)?;
        let question = "Language of the texts that staff get, sv or en";
        let language = asker.take(question, "--language", self.language.as_deref(), Some("sv"), language)?;
        let broker = Broker {
            url: self.broker.clone(),
            user: self.broker_user.clone(),
            password_file: self.broker_password_file.clone(),
        };
        let beds = self.beds(asker, &broker)?;
        let channels = self.channels(asker)?;
        Ok(Home { id, time_zone, language, broker, beds, channels })
    }

    fn beds(&self, asker: &mut Asker<'_>, broker: &Broker) -> Result<Vec<NewBed>, Failure> {
        if !self.beds.is_empty() {
            return self.beds.iter().map(|given| self.given_bed(asker, broker, given)).collect();
        }
        let here = self.look(asker, broker)?;
        let mut beds: Vec<NewBed> = Vec::new();
        loop {
            let name = format!("bed-{}", beds.len() + 1);
            let taken = |id: &str| {
                let id = bed(id)?;
                if beds.iter().any(|bed| bed.id == id) { Err("there is such a bed already".to_owned()) } else { Ok(id) }
            };
            let id = asker.take("Name of the bed, never of a person", "--bed", None, Some(&name), taken)?;
            let source = match pick(asker, &id, &here, &beds)? {
                Picked::Listed(source) => source,
                Picked::Named(name) if self.elsewhere => Source::of_name(&name),
                Picked::Named(name) => self.look_at(asker, broker, &name)?,
            };
            asker.say(words::indented_to(&how(&source), "  ", words::columns(stderr())).trim_end())?;
            beds.push(self.bed(asker, id, source)?);
            if !asker.yes("Another bed", "--bed", false)? {
                return Ok(beds);
            }
        }
    }

    fn bed(&self, asker: &mut Asker<'_>, id: String, source: Source) -> Result<NewBed, Failure> {
        let question = "Watched from when to when, or \"always\"";
        let watch = asker.take(question, "--watch", self.watch.as_deref(), Some("22:00-07:00"), night)?;
        let default = watch.as_ref().and_then(|(from, _)| later(from)).unwrap_or_else(|| "off".to_owned());
        let question = "Alarm when nobody lies in it by this time, or \"off\"";
        let not_in_bed =
            asker.take(question, "--not-in-bed", self.not_in_bed.as_deref(), Some(&default), time_or_off)?;
        Ok(NewBed { id, watch, not_in_bed, source })
    }

    /// A bed of the command line, whose mat is looked at all the same where that is possible.
    fn given_bed(&self, asker: &mut Asker<'_>, broker: &Broker, given: &str) -> Result<NewBed, Failure> {
        let wrong = || Failure::usage(format!("--bed {given}: write ID=PORT or ID=TOPIC"));
        let (id, mat) = given.split_once('=').filter(|(_, mat)| !mat.is_empty()).ok_or_else(wrong)?;
        let id = bed(id).map_err(|problem| Failure::usage(format!("--bed {given}: {problem}")))?;
        let source = if self.elsewhere { Source::of_name(mat) } else { self.look_at(asker, broker, mat)? };
        self.bed(asker, id, source)
    }

    fn look_at(&self, asker: &mut Asker<'_>, broker: &Broker, mat: &str) -> Result<Source, Failure> {
        let (listen, progress) = (self.listen, Progress::of_stderr());
        let candidate = if mat.starts_with('/') {
            Some(block_on(here::port_at(Path::new(mat), listen, progress))?)
        } else {
            let settings = here::broker_settings(broker).ok_or_else(|| wrong_broker(&broker.url))?;
            match block_on(here::topics(&settings, listen, progress))? {
                Ok(topics) => topics.into_iter().find(|candidate| candidate.source.name() == mat),
                Err(problem) => {
                    asker.say(&format!("{mat}: {problem}"))?;
                    return Ok(Source::of_name(mat));
                }
            }
        };
        let says = candidate.as_ref().map_or("nothing comes", |candidate| candidate.says.as_str());
        asker.say(&format!("{mat}: {says}"))?;
        Ok(candidate.map_or_else(|| Source::of_name(mat), |candidate| candidate.source))
    }

    fn look(&self, asker: &mut Asker<'_>, broker: &Broker) -> Result<Vec<Candidate>, Failure> {
        if self.elsewhere {
            return Ok(Vec::new());
        }
        let (listen, progress) = (self.listen, Progress::of_stderr());
        asker.say(&format!("Looking what is plugged in and what talks, {} s each …", listen.as_secs()))?;
        let settings = here::broker_settings(broker).ok_or_else(|| wrong_broker(&broker.url))?;
        let mut found = block_on(here::ports(listen, progress))?;
        match block_on(here::topics(&settings, listen, progress))? {
            Ok(topics) => found.extend(topics),
            Err(problem) => {
                let problem = problem.split("; ").next().unwrap_or_default();
                let says = format!(
                    "No MQTT broker is heard at {}: {problem}. Mats on a serial port need none; another broker: --broker.",
                    broker.url
                );
                asker.say(words::indented_to(&says, "  ", words::columns(stderr())).trim_end())?;
            }
        }
        // What looks like a mat comes first.
        found.sort_by_key(|candidate| !candidate.likely);
        for (number, candidate) in (1..).zip(&found) {
            asker.say(&format!("  {number:>2}  {}\n      {}", candidate.source.name(), candidate.says))?;
        }
        if found.is_empty() {
            asker.say(
                "  Nothing is plugged in, and nothing talks. Name the port or topic all the same, or plug the mat in.",
            )?;
        }
        Ok(found)
    }

    fn channels(&self, asker: &mut Asker<'_>) -> Result<Vec<Channel>, Failure> {
        let mut channels: Vec<Channel> = Vec::new();
        for given in &self.channels {
            let wrong = || Failure::usage(format!("--dispatch {given}: write NAME=https://…"));
            let (name, url) = given.split_once('=').filter(|(name, _)| !name.contains(':')).ok_or_else(wrong)?;
            channels.push(Channel { name: name.to_owned(), url: url.to_owned(), ..Channel::default() });
        }
        if channels.is_empty() {
            let name = asker.take("Name of dispatch", "--dispatch", None, Some("larmcentral"), some)?;
            let url = asker.take("Its address, https://…", "--dispatch", None, None, address)?;
            channels.push(Channel { name, url, ..Channel::default() });
        }
        let question = "File with its bearer token, or \"none\"";
        let token_file = self.secret(asker, question, "--token-file", self.token_file.as_deref(), TOKEN_FILE)?;
        let question = "File with its signing key, or \"none\"";
        let given = self.signing_key_file.as_deref();
        let signing_key_file = self.secret(asker, question, "--signing-key-file", given, SIGNING_KEY_FILE)?;
        if let Some(first) = channels.first_mut() {
            (first.token_file, first.signing_key_file) = (token_file, signing_key_file);
        }
        if self.channels.is_empty() && !self.yes {
            let question = "Address of a second dispatch, for when the first is away, or \"none\"";
            let second = asker.take(question, "--dispatch", None, Some("none"), |answer| match answer {
                "none" => Ok(None),
                url => address(url).map(Some),
            })?;
            if let Some(url) = second {
                let name = asker.take("Its name", "--dispatch", None, Some("nattpatrull"), some)?;
                channels.push(Channel { name, url, ..Channel::default() });
            }
        }
        Ok(channels)
    }
}

/// Tells whether a file is the one that the package brings, and nobody has filled it in yet.
fn is_unfilled(file: &Path) -> bool {
    let id_of =
        |text: String| Some(toml::from_str::<toml::Table>(&text).ok()?.get("gateway")?.get("id")?.as_str()?.to_owned());
    std::fs::read_to_string(file).ok().and_then(id_of).is_some_and(|id| id.is_empty())
}

fn wrong_broker(url: &str) -> Failure {
    Failure::usage(format!("--broker {url}: write mqtt://HOST:PORT or mqtts://HOST:PORT"))
}

/// Lets the technician pick one of what is here, or name something else.
fn pick(asker: &mut Asker<'_>, id: &str, here: &[Candidate], taken: &[NewBed]) -> Result<Picked, Failure> {
    let free = |candidate: &&(usize, &Candidate)| {
        candidate.1.likely && taken.iter().all(|bed| bed.source.name() != candidate.1.source.name())
    };
    let numbered: Vec<(usize, &Candidate)> = (1..).zip(here).collect();
    let default = numbered.iter().find(free).map(|(number, _)| number.to_string());
    let question = if here.is_empty() {
        format!("The mat of {id}: its port (/dev/…) or its MQTT topic")
    } else {
        format!("The mat of {id}: a number of the list, or its port (/dev/…) or topic")
    };
    asker.take(&question, "--bed", None, default.as_deref(), |answer| match answer.parse::<usize>() {
        Ok(number) => {
            let found = numbered.iter().find(|(one, _)| *one == number);
            found
                .map(|(_, candidate)| Picked::Listed(candidate.source.clone()))
                .ok_or_else(|| "that number is not in the list".to_owned())
        }
        Err(_) => some(answer).map(Picked::Named),
    })
}

/// The mat of a bed.
enum Picked {
    /// One that was looked at.
    Listed(Source),
    /// A port or topic that is not in the list.
    Named(String),
}

/// Says how a mat will be read, so that a wrong guess is seen.
fn how(source: &Source) -> String {
    match source {
        Source::Port { baud, separator, reads, .. } => {
            let columns = match reads {
                Reads::Default => "the value in column 0".to_owned(),
                Reads::Contact(column) => format!("a contact in column {column}"),
                Reads::Zones(columns) if columns.len() == 1 => format!("the value in column {}", list(columns)),
                Reads::Zones(columns) => format!("{} zones in the columns {}", columns.len(), list(columns)),
            };
            format!("read as: {baud} baud, columns between {separator:?} counted from 0, {columns}")
        }
        Source::Topic { reads, .. } => match reads {
            Reads::Default => "read as: the payload is a number".to_owned(),
            Reads::Contact(pointer) if pointer.is_empty() => "read as: the payload is a contact".to_owned(),
            Reads::Contact(pointer) => format!("read as: a contact at {pointer}"),
            Reads::Zones(pointers) => format!("read as: the value at {}", pointers.join(", ")),
        },
    }
}

fn list(columns: &[usize]) -> String {
    columns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn system_zone() -> String {
    TimeZone::system()
        .iana_name()
        .filter(|name| name.contains('/') && !name.starts_with("Etc/"))
        .unwrap_or("Europe/Stockholm")
        .to_owned()
}

fn gateway(text: &str) -> Result<String, String> {
    text.parse::<GatewayId>().map(|id| id.as_str().to_owned()).map_err(|error| error.to_string())
}

fn bed(text: &str) -> Result<String, String> {
    text.parse::<BedId>().map(|id| id.as_str().to_owned()).map_err(|error| error.to_string())
}

fn time_zone(text: &str) -> Result<String, String> {
    TimeZone::get(text).map(|_| text.to_owned()).map_err(|_| "write a name such as Europe/Stockholm".to_owned())
}

fn language(text: &str) -> Result<String, String> {
    matches!(text, "sv" | "en").then(|| text.to_owned()).ok_or_else(|| "write sv or en".to_owned())
}

fn some(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("write something".to_owned()) } else { Ok(text.to_owned()) }
}

fn address(text: &str) -> Result<String, String> {
    let sound =
        text.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "https" | "http") && !rest.is_empty());
    sound.then(|| text.to_owned()).ok_or_else(|| "write https://HOST/PATH".to_owned())
}

fn night(text: &str) -> Result<Option<(String, String)>, String> {
    if text == "always" {
        return Ok(None);
    }
    let help = || "write it as 22:00-07:00, or always".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(help)?;
    match (time(from.trim()), time(to.trim())) {
        (Some(from), Some(to)) if from != to => Ok(Some((from, to))),
        _ => Err(help()),
    }
}

fn time_or_off(text: &str) -> Result<Option<String>, String> {
    if text == "off" {
        return Ok(None);
    }
    time(text).map(Some).ok_or_else(|| "write it as 23:30, or off".to_owned())
}

/// Reads a time of day, and writes it as the file wants it.
fn time(text: &str) -> Option<String> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute) =
        (digits(hour).then(|| hour.parse::<u8>().ok())??, digits(minute).then(|| minute.parse::<u8>().ok())??);
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// Returns an hour and a half after the night begins: by then most are in bed.
fn later(from: &str) -> Option<String> {
    let (hour, minute) = from.split_once(':')?;
    let minutes = (hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()? + 90) % (24 * 60);
    Some(format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_times_are_read_as_people_write_them() {
        assert_eq!(night("always"), Ok(None));
        assert_eq!(night("22:00-7:00"), Ok(Some(("22:00".to_owned(), "07:00".to_owned()))));
        assert_eq!(night("21:30 - 07:15"), Ok(Some(("21:30".to_owned(), "07:15".to_owned()))));
        for wrong in ["", "22", "22:00", "22:00-22:00", "25:00-07:00", "22:00-07:60", "+1:00-2:00"] {
            assert!(night(wrong).is_err(), "{wrong}");
        }
        assert_eq!(later("22:00").as_deref(), Some("23:30"));
        assert_eq!(later("23:00").as_deref(), Some("00:30"));
    }

    #[test]
    fn how_a_mat_is_read_is_said() {
        let port = |reads| Source::Port { port: "/dev/x".to_owned(), baud: 9_600, separator: ",".to_owned(), reads };
        assert!(how(&port(Reads::Zones(vec![1, 2]))).ends_with("2 zones in the columns 1, 2"));
        assert!(how(&Source::of_name("mats/1")).ends_with("the payload is a number"));
    }
}
