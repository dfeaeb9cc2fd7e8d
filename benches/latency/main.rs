//! From the write of the first low reading to the complete alert at the receiver: the built program on real parts,
//! beside a bare floor program on the same parts in the same run.
//!
//! The floor ([`floor`]) is what nobody can do without: the reading in, a comparison, a POST out. It keeps nothing,
//! decides nothing and signs nothing. What counts is the ratio; the figures themselves are the machine's. The broker is
//! a real mosquitto, the serial line a real pseudo-terminal, the store on the file system of the temporary folder.
//! Everything is started here, and stopped by its process id.

mod broker;
mod commands;
mod feed;
mod figures;
mod floor;
mod lane;
mod process;
mod receiver;
mod run;

use std::process::ExitCode;

use broker::Broker;
use lane::Program;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How the mats speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A message a reading, over a broker.
    Mqtt,
    /// A line a reading, over a pseudo-terminal.
    Serial,
}

/// What is measured: so many mats at 10 readings a second.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    way: Way,
    mats: u32,
    /// Rises a turn: one program's mats send and rise, the other's are silent. With a single turn both send all the
    /// time and their rises alternate, which is as good where so few readings are no load.
    rises: u32,
    turns: u32,
}

const CASES: [Case; 3] = [
    Case { name: "pty, 1 mat", way: Way::Serial, mats: 1, rises: 300, turns: 1 },
    Case { name: "MQTT, 4 mats", way: Way::Mqtt, mats: 4, rises: 400, turns: 1 },
    Case { name: "MQTT, 200 mats", way: Way::Mqtt, mats: 200, rises: 20, turns: 15 },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["floor", way, from, url] => floor::main(way, from, url),
        words if words.contains(&"--bench") => bench(words),
        // `cargo test --all-targets` comes by as well.
        _ => {
            figures::say("Measures only under cargo bench.");
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            figures::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Measures every case whose name holds one of the words, or all where there are none.
fn bench(words: &[&str]) -> Result<()> {
    let wanted: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
    figures::begin()?;
    for case in CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|word| case.name.contains(word))) {
        let broker = if case.way == Way::Mqtt { Some(Broker::start()?) } else { None };
        let programs = [Program::Floor, Program::Daemon];
        let figures = run::run(case, programs, broker.as_ref())?;
        figures::show(case.name, &programs.map(Program::as_str).into_iter().zip(figures).collect::<Vec<_>>());
    }
    figures::end()
}
