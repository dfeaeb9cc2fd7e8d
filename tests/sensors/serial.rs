//! Serial ports that come, go, talk nonsense or belong to somebody else.

use std::convert::Infallible;
use std::os::unix::fs::symlink;
use std::path::Path;

use nattvakt::model::MatFault;
use nattvakt::sensor::simulated::SimulatedLine;
use nattvakt::sensor::{Columns, SerialSettings, Signal, serial};
use tokio::task::JoinSet;

use super::*;

const LOST: Signal = Signal::Lost(MatFault::Unplugged);

/// Starts reading a port into a bed.
fn watch(port: &Path) -> (Bed, JoinSet<Infallible>) {
    let settings = SerialSettings {
        port: port.to_owned(),
        baud: 115_200,
        separator: ",".to_owned(),
        columns: Columns::Zones(vec![0]),
        time: None,
    };
    let (feed, bed) = Bed::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serial::run(settings, feed));
    (bed, tasks)
}

/// Sends a value until it is read: what is sent before the port is open is lost.
async fn until_read(line: &SimulatedLine, bed: &mut Bed, value: u32) -> Vec<Signal> {
    let mut before = Vec::new();
    for _ in 0..6_000 {
        line.send_bytes(format!("\n{value}\n").as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let heard = bed.heard();
        let found = heard.iter().position(|signal| is_value(signal, value));
        before.extend(heard.iter().take(found.unwrap_or(heard.len())));
        if found.is_some() {
            return before;
        }
    }
    panic!("the value was never read; heard {before:?}");
}

fn is_value(signal: &Signal, value: u32) -> bool {
    matches!(signal, Signal::Reading(reading) if reading.channels == Channels::new([f64::from(value)]).unwrap())
}

/// Sends all of it, however slowly it is read.
async fn pour(line: &SimulatedLine, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let sent = line.send_bytes(bytes).unwrap();
        bytes = &bytes[sent..];
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

#[tokio::test]
async fn readings_come_as_they_are_sent_and_are_live() {
    let line = SimulatedLine::open().unwrap();
    let (mut bed, _tasks) = watch(line.port());
    until_read(&line, &mut bed, 1).await;
    line.send_bytes(b"112.5,x\r\n").unwrap();
    assert!(is_live(&bed.value(112.5).await));
}

#[tokio::test]
async fn an_unplugged_port_is_told_once_and_opened_again_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("mat");
    let first = SimulatedLine::open().unwrap();
    symlink(first.port(), &port).unwrap();
    let (mut bed, _tasks) = watch(&port);
    until_read(&first, &mut bed, 1).await;

    drop(first);
    while bed.next().await != LOST {}
    // Several attempts later it is still told once.
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(5)).await;
    tokio::time::resume();
    let second = SimulatedLine::open().unwrap();
    std::fs::remove_file(&port).unwrap();
    symlink(second.port(), &port).unwrap();
    assert_eq!(until_read(&second, &mut bed, 2).await, [Signal::Back]);
}

#[tokio::test]
async fn noise_half_lines_and_endless_lines_cost_only_themselves() {
    let line = SimulatedLine::open().unwrap();
    let (mut bed, _tasks) = watch(line.port());
    until_read(&line, &mut bed, 1).await;

    pour(&line, b"2\n\xff\xfe\x00\x07\n").await;
    bed.value(2.0).await;
    assert_eq!(bed.next().await, Signal::Rejected);
    pour(&line, &vec![b'7'; 1_000_000]).await;
    pour(&line, b"\n3\n4").await;
    bed.value(3.0).await;
    pour(&line, b"5.5\n").await;
    let reading = bed.reading().await;
    assert_eq!(reading.channels.zones(), [45.5]);
}

#[tokio::test]
async fn a_flood_of_readings_never_overruns_a_bed_that_reads() {
    let line = SimulatedLine::open().unwrap();
    let (mut bed, _tasks) = watch(line.port());
    until_read(&line, &mut bed, 1).await;
    let numbers: Vec<String> = (100_000..120_000).map(|number| format!("{number}\n")).collect();
    let numbers = numbers.concat();
    let reader = async {
        bed.value(100_000.0).await;
        for number in 100_001..120_000 {
            assert_eq!(bed.reading().await.channels.zones(), [f64::from(number)]);
        }
    };
    tokio::join!(pour(&line, numbers.as_bytes()), reader);
}

#[tokio::test]
async fn a_port_that_is_no_tty_is_told_once_and_replaced_by_a_real_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let port = folder.path().join("mat");
    std::fs::write(&port, "112\n113\n").unwrap();
    let (mut bed, _tasks) = watch(&port);
    assert_eq!(bed.next().await, LOST);

    let line = SimulatedLine::open().unwrap();
    std::fs::remove_file(&port).unwrap();
    symlink(line.port(), &port).unwrap();
    assert_eq!(until_read(&line, &mut bed, 1).await, [Signal::Back]);
}

#[tokio::test]
async fn a_port_in_use_is_lost_until_the_other_program_lets_it_go() {
    let line = SimulatedLine::open().unwrap();
    let name = line.port().to_str().unwrap();
    let other = tokio_serial::SerialStream::open(&tokio_serial::new(name, 9_600)).unwrap();
    let (mut bed, _tasks) = watch(line.port());
    assert_eq!(bed.next().await, LOST);
    drop(other);
    assert_eq!(until_read(&line, &mut bed, 1).await, [Signal::Back]);
}

#[tokio::test]
async fn a_whole_play_arrives_in_order() {
    let mut line = SimulatedLine::open().unwrap();
    let (mut bed, _tasks) = watch(line.port());
    until_read(&line, &mut bed, 1).await;
    let rows = (0..50_u32).map(|n| (Duration::from_millis(u64::from(n)), Channels::new([f64::from(n) + 0.5]).unwrap()));
    assert_eq!(line.play(rows, ",").await.unwrap(), 0);
    let mut last = bed.value(0.5).await;
    for n in 1..50 {
        let reading = bed.reading().await;
        assert_eq!(reading.channels.zones(), [f64::from(n) + 0.5]);
        assert!(reading.at >= last.at);
        last = reading;
    }
}

#[tokio::test]
async fn the_one_line_of_a_mat_that_sends_on_change_counts_after_a_quiet_opening() {
    let line = SimulatedLine::open().unwrap();
    let (mut bed, _tasks) = watch(line.port());
    let is_open = || {
        let ours = std::fs::read_dir("/proc/self/fd").unwrap();
        ours.flatten().any(|one| std::fs::read_link(one.path()).is_ok_and(|path| path == line.port()))
    };
    while !is_open() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // No wait for the program: the quiet before the line is what is tried.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    line.send_bytes(b"7\n").unwrap();
    for _ in 0..6_000 {
        if bed.heard().iter().any(|signal| is_value(signal, 7)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the one line was dropped");
}
