//! Recordings with a broken header, which end the command, and with broken rows, which are counted.

use crate::rig::{Ended, Home, channel, ended, program, serial_bed};

fn replay(recording: &[u8]) -> Ended {
    let home = Home::new();
    let config = home.configure(&[serial_bed("bed", "/dev/null".as_ref()), channel("d", "http://localhost:1/", "")]);
    let recording = home.put("night.csv", recording, 0o644);
    let mut replay = program(&["replay", "--format", "json", "--config"]);
    replay.arg(config).arg(recording);
    ended(replay)
}

#[test]
fn a_broken_header_ends_the_replay_and_says_what_one_looks_like() {
    let long = [b"time,".to_vec(), vec![b'p'; 1_000_000]].concat();
    let headers: [&[u8]; 9] = [
        b"",
        b"\n",
        b"pressure,time\n",
        b"time\n",
        b"time,weight\n",
        b"time,zone2,zone1\n",
        b"2026-01-15T20:00:00.000Z,112\n",
        b"time,press\xffure\n",
        &long,
    ];
    for header in headers {
        let shown = String::from_utf8_lossy(&header[..header.len().min(40)]).into_owned();
        let replay = replay(header);
        assert_eq!((replay.code, replay.stdout.as_str()), (1, ""), "{shown:?}: {replay:?}");
        assert!(
            replay.stderr.contains("night.csv") && replay.stderr.contains("time,pressure"),
            "{shown:?}: {replay:?}"
        );
        assert!(replay.stderr.len() < 600, "{shown:?}: {replay:?}");
    }
}

#[test]
fn bad_rows_are_counted_and_the_rise_between_them_is_found() {
    let mut night = b"time,pressure\n".to_vec();
    let bad: [&[u8]; 8] = [
        b"yesterday,617.25",
        b",617.25",
        b"2026-01-15T20:00:00.000Z",
        b"2026-01-15T20:00:00.000Z,1,2",
        b"\xff\xfe\x00",
        b"2026-13-45T99:00:00.000Z,617.25",
        b"time,pressure",
        &vec![b'7'; 1_000_000],
    ];
    for bad in bad {
        night.extend(bad);
        night.push(b'\n');
    }
    // A cell that fails is a reading that failed, and no bad row.
    let rows = ["617.25", "617.25", "NaN", "1e999", "", "SENSOR_FAULT", "-0", "113.75"];
    for (second, value) in rows.iter().enumerate() {
        night.extend(format!("2026-01-15T23:12:0{second}.000Z,{value}\n").as_bytes());
    }
    let replay = replay(&night);
    assert_eq!(replay.code, 0, "{replay:?}");
    assert!(replay.stderr.contains("night.csv: 8 rows could not be read"), "{replay:?}");
    let kinds: Vec<String> = replay
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["in-bed", "rise"], "{replay:?}");
}

#[test]
fn what_is_no_file_ends_the_replay() {
    let home = Home::new();
    let config = home.configure(&[serial_bed("bed", "/dev/null".as_ref()), channel("d", "http://localhost:1/", "")]);
    std::fs::create_dir(home.path("folder")).unwrap();
    for name in ["missing.csv", "folder"] {
        let mut replay = program(&["replay", "--config"]);
        replay.arg(&config).arg(home.path(name));
        let replay = ended(replay);
        assert_eq!((replay.code, replay.stdout.as_str()), (1, ""), "{replay:?}");
        assert!(replay.stderr.contains(name), "{replay:?}");
    }
}
