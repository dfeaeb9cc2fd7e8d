#!/usr/bin/env python3
"""Makes the recordings of this folder from the original files. Needs nothing but Python.

    tests/data/real/convert.py POPU UCI

POPU: a folder with `sensomatt_data/4` and `tactilus_data/4`, the preview data of PoPu.
UCI: a folder with `S1_Dataset` and `S2_Dataset`.
README.md says where both come from and what is done to them.
"""

import json
import sys
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent

# The stamps hold the time of day; the day is made up.
DAY = "2026-01-15"

# A cell of the sheet under the mattress that falls by 58 counts and comes back, again and again; see README.md.
LOOSE_CELL = 1 * 6 + 2

LYING, SITTING, AMBULATING = 3, 1, 4


def main(popu: Path, uci: Path) -> None:
    under = frames(popu / "sensomatt_data/4", "sensomatt_readings")
    over = frames(popu / "tactilus_data/4", "tactilus_readings")
    assert [frame[:2] for frame in under] == [frame[:2] for frame in over], "the sheets differ in stamps or labels"
    write("labels.csv", ["time,label"] + [f"{time(stamp)},{label}" for stamp, label, _ in under])
    columns = [[0], [1, 2], [3, 4], [5]]
    sheet("under", under, 12, 6, columns)
    write_recording("under-sound.csv", under, [[cell for cell in range(12 * 6) if cell != LOOSE_CELL]])
    columns = [range(0, 5), range(5, 14), range(14, 22), range(22, 27)]
    sheet("over", over, 64, 27, columns)
    write("getting-up.csv", getting_up(uci))


def frames(folder: Path, readings: str) -> list:
    """Returns (stamp, label, cells) of every frame in order of time."""
    found = []
    for file in sorted(folder.glob("*.json")):
        for snapshot in json.loads(file.read_text())["snapshots"].values():
            found.append((int(snapshot["id"]), file.stem, snapshot[readings]))
    return sorted(found, key=lambda frame: frame[0])


def time(stamp: int) -> str:
    """Reads a stamp: four digits of the day, then hours, minutes, seconds and hundredths."""
    digits = f"{stamp:012}"
    hours, minutes, seconds, hundredths = (digits[at : at + 2] for at in (4, 6, 8, 10))
    return f"{DAY}T{hours}:{minutes}:{seconds}.{hundredths}0Z"


def sheet(name: str, frames: list, rows: int, columns: int, strips: list) -> None:
    """Writes the layouts of a sheet: its sum, four strips across, four quarters, twelve rows along."""
    cells = lambda chosen_rows, chosen_columns: [r * columns + c for r in chosen_rows for c in chosen_columns]
    halves = lambda of: [range(0, of // 2), range(of // 2, of)]
    rows_twelfth = [range(n * rows // 12, (n + 1) * rows // 12) for n in range(12)]
    write_recording(f"{name}-sum.csv", frames, [range(rows * columns)])
    write_recording(f"{name}-strips.csv", frames, [cells(range(rows), strip) for strip in strips])
    quarters = [cells(half, side) for half in halves(rows) for side in halves(columns)]
    write_recording(f"{name}-quarters.csv", frames, quarters)
    write_recording(f"{name}-rows.csv", frames, [cells(row, range(columns)) for row in rows_twelfth])


def write_recording(name: str, frames: list, zones: list) -> None:
    channels = ["pressure"] if len(zones) == 1 else [f"zone{n}" for n in range(1, len(zones) + 1)]
    lines = [",".join(["time", *channels])]
    for stamp, _, cells in frames:
        values = (str(sum(cells[cell] for cell in zone)) for zone in zones)
        lines.append(",".join([time(stamp), *values]))
    write(name, lines)


def getting_up(folder: Path) -> list:
    """Returns the times of each getting-up in seconds after the last reading that is labelled lying."""
    lines = ["trial,sitting_from,sitting_to,ambulating"]
    for file in sorted(folder.glob("S[12]_Dataset/d*")):
        if not file.suffix:
            lines += trial(file)
    return lines


def trial(file: Path) -> list:
    rows = [line.split(",") for line in file.read_text().split()]
    labelled = [(float(row[0]), int(row[8])) for row in rows]
    runs = [(label, [at for at, _ in run]) for label, run in groupby(labelled, key=lambda row: row[1])]
    lines = []
    for (first, lying), (second, next_run), (third, last) in zip(runs, runs[1:], runs[2:] + [(None, [])]):
        if (first, second, third) == (LYING, SITTING, AMBULATING):
            times = [next_run[0], next_run[-1], last[0]]
        elif (first, second) == (LYING, AMBULATING):
            times = [None, None, next_run[0]]
        else:
            continue
        cells = ("" if at is None else f"{at - lying[-1]:.3f}" for at in times)
        lines.append(",".join([file.name, *cells]))
    return lines


def write(name: str, lines: list) -> None:
    (HERE / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
