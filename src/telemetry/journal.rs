//! Log lines as entries of systemd's journal: `MESSAGE` reads as a line does elsewhere, and each field is a field of its
//! own, with its priority, for `journalctl -p warning`, `journalctl CHANNEL=larmcentral` and `journalctl -o json`.
//!
//! Never waits in a task: entries are written by the log's own thread, one datagram each.

use std::fmt;
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use nix::sys::stat::fstat;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Where the journal takes entries.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The longest name of a field that the journal takes, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Tells whether stderr goes to the journal, and not only that of who started us.
pub(super) fn is_stderr() -> bool {
    let Ok(stderr) = fstat(io::stderr()) else { return false };
    std::env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == format!("{}:{}", stderr.st_dev, stderr.st_ino))
}

/// Sends each buffer that is written as one entry. What the journal does not take goes to stderr, as the line that it is.
pub(super) struct Socket {
    socket: Option<UnixDatagram>,
    to: PathBuf,
}

impl Socket {
    /// Sends to the journal of this machine.
    pub(super) fn new() -> Self {
        Self::to(PathBuf::from(SOCKET))
    }

    fn to(to: PathBuf) -> Self {
        Self { socket: UnixDatagram::unbound().ok(), to }
    }
}

impl Write for Socket {
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let sent = self.socket.as_ref().is_some_and(|socket| socket.send_to(entry, &self.to).is_ok());
        if !sent {
            let line = entry.split(|byte| *byte == b'\n').find_map(|field| field.strip_prefix(b"MESSAGE="));
            io::stderr().write_all(&[line.unwrap_or_default(), b"\n"].concat())?;
        }
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the entry that says how many were dropped.
pub(super) fn on_dropped(words: &str, count: u64) -> String {
    entry(Level::WARN, &Seen { message: words.to_owned(), fields: vec![("count".to_owned(), count.to_string())] })
}

/// Keeps the fields of spans as `name=value`, a line each.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut seen = Seen::default();
        fields.record(&mut seen);
        seen.fields.iter().try_for_each(|(name, value)| writeln!(writer, "{name}={value}"))
    }
}

/// Writes an event as an entry.
pub(super) struct Entries;

impl<S, N> FormatEvent<S, N> for Entries
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut seen = Seen::default();
        event.record(&mut seen);
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                seen.fields.extend(fields.lines().filter_map(|line| line.split_once('=')).map(owned));
            }
        }
        writer.write_str(&entry(*event.metadata().level(), &seen))
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What an event or a span says, in order; nothing of it has a line break.
#[derive(Default)]
struct Seen {
    message: String,
    fields: Vec<(String, String)>,
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}").replace(['\n', '\r'], " ");
        match field.name() {
            "message" => self.message = value,
            // What the bridge from `log` adds of others' code.
            name if name.starts_with("log.") => {}
            name => self.fields.push((name.to_owned(), value)),
        }
    }
}

fn entry(level: Level, seen: &Seen) -> String {
    let Seen { message, fields } = seen;
    let said: String = fields.iter().flat_map(|(name, value)| [" ", name, "=", value]).collect();
    let own: String =
        fields.iter().flat_map(|(name, value)| [&name_of(name), "=", value, "\n"].map(str::to_owned)).collect();
    format!("PRIORITY={}\nSYSLOG_IDENTIFIER=nattvakt\nMESSAGE={message}{said}\n{own}", priority(level))
}

/// Returns syslog's priority of a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// Returns a field's name as the journal takes it: `bed.id` is `BED_ID`.
fn name_of(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    name.trim_start_matches('_').chars().map(letter).take(NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::{error, info, info_span};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// Logs to a journal of our own, and returns its entries.
    fn entries(log: impl FnOnce()) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(Mutex::new(Socket::to(path)))
            .with_ansi(false)
            .fmt_fields(Fields)
            .event_format(Entries);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        journal.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        std::iter::from_fn(|| {
            journal.recv(&mut buffer).ok().map(|bytes| String::from_utf8_lossy(&buffer[..bytes]).into())
        })
        .collect()
    }

    #[test]
    fn each_field_is_one_of_the_journal_and_the_message_reads_as_a_line() {
        let entries = entries(|| {
            let _bed = info_span!("bed", bed.id = %"bed-1").entered();
            let _delivery = info_span!("delivery", channel = "larmcentral", attempt = 2_u32).entered();
            info!(retry_in_s = 4, "Alert was not accepted");
        });
        let expected = "PRIORITY=6\nSYSLOG_IDENTIFIER=nattvakt\n\
            MESSAGE=Alert was not accepted retry_in_s=4 channel=larmcentral attempt=2 bed.id=bed-1\n\
            RETRY_IN_S=4\nCHANNEL=larmcentral\nATTEMPT=2\nBED_ID=bed-1\n";
        assert_eq!(entries, [expected]);
    }

    #[test]
    fn no_value_can_make_a_field_of_its_own() {
        let entries = entries(|| error!(error = %"first\nMESSAGE=forged\r\nPRIORITY=7", "Store cannot be used"));
        let [entry] = entries.as_slice() else { panic!("{entries:?}") };
        assert!(entry.starts_with("PRIORITY=3\n"), "{entry}");
        assert_eq!(entry.lines().count(), 4, "{entry}");
        assert!(entry.ends_with("\nERROR=first MESSAGE=forged  PRIORITY=7\n"), "{entry}");
    }

    #[test]
    fn the_count_of_dropped_lines_is_an_entry_like_any_other() {
        let dropped = on_dropped("Log lines were dropped", 7);
        assert_eq!(
            dropped,
            "PRIORITY=4\nSYSLOG_IDENTIFIER=nattvakt\nMESSAGE=Log lines were dropped count=7\nCOUNT=7\n"
        );
    }

    #[test]
    fn a_journal_that_is_away_is_no_failure() {
        let mut socket = Socket::to(PathBuf::from("/nonexistent/socket"));
        assert_eq!(socket.write(b"PRIORITY=6\nMESSAGE=A line\n").unwrap(), 26);
    }
}
