//! The course of one case: both programs start, take readings for a while, and then see people rise.

use std::thread::sleep;
use std::time::Duration;

use nattvakt::clock;
use tempfile::TempDir;

use crate::broker::Broker;
use crate::figures::Figures;
use crate::lane::{Lane, Program};
use crate::{Case, Result};

/// The time between two readings of a mat.
const PERIOD: Duration = Duration::from_millis(100);

/// How often a program is started to see how long it takes; the last one stays. The first finds an empty store.
const STARTS: usize = 5;

/// Rounds of readings of all mats without a rise: to see the share of the processor, and at the beginning of a turn.
const ROUNDS_QUIET: u32 = 100;
const ROUNDS_FIRST: u32 = 3;

/// Rises that do not count, once the first has arrived: connections open, memory comes in.
const RISES_WARM: u32 = 10;

/// How long the first alert, and a late one, may take.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Measures one case with each of the programs.
pub(crate) fn run(case: &Case, programs: [Program; 2], broker: Option<&Broker>) -> Result<Vec<Figures>> {
    let mut started = Vec::new();
    for program in programs {
        started.push(start(case, program, broker)?);
    }
    let (mut lanes, rest): (Vec<_>, Vec<_>) =
        started.into_iter().map(|(lane, folder, ready)| (lane, (folder, ready))).unzip();
    for lane in &mut lanes {
        warm_up(case, lane)?;
    }
    let at_once = if case.turns == 1 { lanes.len() } else { 1 };
    for group in lanes.chunks_mut(at_once) {
        quiet(case, group)?;
    }
    for _ in 0..case.turns {
        for group in lanes.chunks_mut(at_once) {
            turn(case, group, case.rises)?;
        }
    }
    lanes.into_iter().zip(rest).map(|(lane, (_folder, ready))| finish(lane, ready)).collect()
}

/// Starts a program as often as is asked, and keeps the last one.
fn start(case: &Case, program: Program, broker: Option<&Broker>) -> Result<(Lane, TempDir, Vec<Duration>)> {
    let folder = tempfile::tempdir()?;
    let mut ready = Vec::new();
    loop {
        let lane = Lane::start(case, program, broker, &folder)?;
        ready.push(lane.ready_after);
        if ready.len() == STARTS {
            return Ok((lane, folder, ready));
        }
        lane.process.stop()?;
    }
}

fn finish(lane: Lane, ready: Vec<Duration>) -> Result<Figures> {
    let figures = Figures {
        missing: lane.missing(),
        resident: lane.process.resident()?,
        busy_share: lane.busy_share,
        latencies: lane.latencies,
        ready,
    };
    lane.process.stop()?;
    Ok(figures)
}

/// Lets people rise until the first alert arrives, for the broker may not know the program yet, and a few more.
fn warm_up(case: &Case, lane: &mut Lane) -> Result<()> {
    let began = clock::moment();
    while lane.latencies.is_empty() {
        if clock::moment().since(began) > PATIENCE {
            return Err(format!("no alert arrives; the program says:\n{}", lane.log()?).into());
        }
        let mats = case.mats;
        play(mats, std::slice::from_mut(lane), 3 * mats, |_, tick| tick == mats)?;
    }
    turn(case, std::slice::from_mut(lane), RISES_WARM)?;
    lane.forget();
    Ok(())
}

/// Sends readings without a rise, and notes the share of the processor that they take.
fn quiet(case: &Case, lanes: &mut [Lane]) -> Result<()> {
    let began = clock::moment();
    for lane in &mut *lanes {
        lane.busy_share = -lane.process.busy_seconds()?;
    }
    play(case.mats, lanes, ROUNDS_QUIET * case.mats, |_, _| false)?;
    let seconds = clock::moment().since(began).as_secs_f64();
    for lane in lanes {
        lane.busy_share = (lane.busy_share + lane.process.busy_seconds()?) / seconds;
    }
    Ok(())
}

/// Lets people rise, one after the other: so far apart that every mat has its turn, and lies again after one reading.
fn turn(case: &Case, lanes: &mut [Lane], rises: u32) -> Result<()> {
    let (mats, every, count) = (case.mats, case.mats + 1, u32::try_from(lanes.len())?);
    let first = ROUNDS_FIRST * mats;
    let last = first + rises * every;
    play(mats, lanes, last + mats, |lane, tick| {
        (first..last).contains(&tick) && (tick - first) % every == lane * every / count
    })?;
    let began = clock::moment();
    while lanes.iter().any(|lane| lane.missing() > 0) && clock::moment().since(began) < PATIENCE {
        sleep(LOOK_AGAIN);
        for lane in &mut *lanes {
            lane.collect()?;
        }
    }
    Ok(())
}

/// Writes the next readings at the pace of life, spread evenly over the period and over the programs.
fn play(mats: u32, lanes: &mut [Lane], ticks: u32, is_rise: impl Fn(u32, u32) -> bool) -> Result<()> {
    let start = clock::moment();
    let step = PERIOD / mats;
    let apart = step / u32::try_from(lanes.len())?;
    for tick in 0..ticks {
        for (lane, index) in lanes.iter_mut().zip(0..) {
            let due = start + step * tick + apart * index;
            sleep(due.since(clock::moment()));
            lane.send(mats, is_rise(index, tick))?;
            lane.collect()?;
        }
    }
    Ok(())
}
