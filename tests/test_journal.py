"""The journal: what was appended is there, whatever is cut, damaged, full or killed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmake.crc import crc32c, find_damaged
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.journal import JournalError, JournalFolder, JournalWriter
from hpcmake.lines import Damage, damage_diagnostics, parse_records, render_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

file_names = st.binary(min_size=1, max_size=20).map(os.fsdecode)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | file_names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(file_names, inner, max_size=4),
    max_leaves=8,
)
records = st.dictionaries(file_names, values, max_size=4)

OK = {"k": "ok", "t": "dock[c=x,p=a]", "c": "0123", "a": 1, "out": [["docked/a/x.sdf", 1795355321276764644, 12]]}


def numbered(count: int) -> list[dict[str, Any]]:
    return [{**OK, "n": number} for number in range(count)]


def rendered(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(map(render_record, rows))


# ---------------------------------------------------------------- the checksum


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_that_of_the_standard(raw: bytes, want: int) -> None:
    assert crc32c(raw) == want


@settings(deadline=None)
@given(st.binary(max_size=50))
def test_large_tables_give_what_small_ones_give(raw: bytes) -> None:
    crc32c(bytes(1 << 17))  # from here on the large ones are there
    slow = 0xFFFFFFFF
    for byte in raw:
        slow ^= byte
        for _ in range(8):
            slow = (slow >> 1) ^ (0x82F63B78 if slow & 1 else 0)
    assert crc32c(raw) == slow ^ 0xFFFFFFFF


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_damaged_lines_are_found_among_many(data: st.DataObject) -> None:
    lines = [b"line %d " % number * (number % 7) for number in range(1100)] + [b"x" * 5000, b""]
    sums = list(map(crc32c, lines))
    assert find_damaged(lines, sums) == []
    hurt = sorted(data.draw(st.sets(st.integers(1, len(lines) - 2), max_size=5)))
    for at in hurt:
        sums[at] ^= data.draw(st.integers(1, 0xFFFFFFFF))
    assert find_damaged(lines, sums) == hurt


# ---------------------------------------------------------------- lines


def test_a_record_is_its_checksum_a_space_and_json() -> None:
    assert render_record({"k": "ok", "t": "a", "out": [["ä", 1, 2]]}) == (
        b'f05f4863 {"k":"ok","t":"a","out":[["\\u00e4",1,2]]}\n'
    )


@given(st.lists(records, max_size=5))
def test_what_was_written_is_read(rows: list[dict[str, Any]]) -> None:
    assert parse_records(rendered(rows), "j") == (rows, [])


def test_any_file_name_survives() -> None:
    names = [os.fsdecode(bytes([byte])) for byte in range(1, 256)] + [os.fsdecode(b"\xff\xfe\n\xed\xa0\x80"), "日本"]
    assert parse_records(render_record({"names": names}), "j") == ([{"names": names}], [])


def test_unknown_kinds_and_keys_are_kept() -> None:
    row = {"k": "teleported", "x": {"y": [None]}}
    assert parse_records(render_record(row), "j") == ([row], [])


def test_a_line_may_be_as_long_as_it_needs_to_be() -> None:
    rows: list[dict[str, Any]] = [{"in": list(range(30_000))}, OK, {"in": ["x" * 300_000]}, OK]
    assert parse_records(rendered(rows), "j") == (rows, [])


ROWS = numbered(5)
RAW = rendered(ROWS)
LINE = len(RAW) // 5


@given(st.integers(0, len(RAW)))
def test_a_journal_cut_anywhere_loses_the_record_that_was_cut_and_no_other(cut: int) -> None:
    found, damage = parse_records(RAW[:cut], "j")
    whole, rest = divmod(cut, LINE)
    if rest == LINE - 1:  # but for its end, it is complete
        whole, rest = whole + 1, 0
    assert found == ROWS[:whole]
    assert damage == ([Damage("j", whole + 1, whole * LINE, rest, torn=True)] if rest else [])


@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_journal_damaged_anywhere_loses_the_record_that_was_damaged_and_no_other(at: int, byte: int) -> None:
    hurt = bytearray(RAW)
    hurt[at] = byte
    found, damage = parse_records(bytes(hurt), "j")
    line = at // LINE
    if not damage:  # what was hurt says nothing: an end of line between two records, or the space in one
        assert found == ROWS
        assert hurt == RAW or at % LINE in {*range(9), LINE - 1}
        return
    assert found == ROWS[:line] + ROWS[line + 1 :]
    assert all(each.offset // LINE == line for each in damage)


def test_a_record_that_is_nested_too_deep_to_be_ours_is_damage() -> None:
    body = b'{"k":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    line = b"%08x %b\n" % (crc32c(body), body)
    assert parse_records(line + render_record(OK), "j") == ([OK], [Damage("j", 1, 0, len(line) - 1)])


@settings(deadline=None, max_examples=20)
@given(st.sets(st.integers(0, 1199), min_size=1, max_size=9))
def test_damage_in_a_long_journal_is_found_and_placed(hurt: set[int]) -> None:
    lines = [render_record(row) for row in numbered(1200)]
    for at in hurt:
        lines[at] = lines[at].replace(b"docked", b"dicked")
    found, damage = parse_records(b"".join(lines), "j")
    assert [row["n"] for row in found] == [at for at in range(1200) if at not in hurt]
    assert [(each.line, each.offset) for each in damage] == [(at + 1, sum(map(len, lines[:at]))) for at in sorted(hurt)]


@pytest.mark.parametrize("text", ["[]", "1", "{", '{"a":1},{"b":2}', "{} {}", "\udcff"])
def test_a_line_that_is_no_single_object_is_damage_even_if_its_checksum_is_right(text: str) -> None:
    body = text.encode("utf-8", "surrogateescape")
    raw = rendered(ROWS) + b"%08x %b\n" % (crc32c(body), body) + render_record(OK)
    found, damage = parse_records(raw, "j")
    assert found == [*ROWS, OK]
    assert damage == [Damage("j", 6, len(RAW), len(body) + 9)]


@given(st.binary(max_size=300))
def test_garbage_is_damage_and_nothing_else(raw: bytes) -> None:
    found, damage = parse_records(raw, "j")
    assert found == []
    assert sum(each.length for each in damage) == sum(map(len, raw.split(b"\n")))


def test_damage_is_told_with_what_is_lost() -> None:
    damage = [
        Damage("a", 12, 340, 20),
        Damage("a", 15, 400, 20),
        Damage("b", 1, 0, 2),
        Damage("c", 9, 99, 5, torn=True),
    ]
    assert render_all(damage_diagnostics(damage)) == (
        "warning[W711]: the last record in `c` is half written (from byte 99 on), and dropped\n"
        "  help: the task that it was about runs again; nothing else is lost\n\n"
        "warning[W710]: 2 records in `a` are damaged (first in line 12, byte 340), and skipped\n"
        "  help: the tasks that they were about run again; nothing else is lost\n\n"
        "warning[W710]: a record in `b` is damaged (line 1, byte 0), and skipped\n"
        "  help: the task that it was about runs again; nothing else is lost\n"
    )


# ---------------------------------------------------------------- the writer


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def refuse(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def test_each_record_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    real = os.write

    def write(file: int, raw: bytes) -> int:
        writes.append(raw)
        return real(file, raw)

    monkeypatch.setattr(os, "write", write)
    writer = JournalWriter(f"{tmp_path}/j")
    for row in ROWS:
        writer.append(row)
    assert writes == [render_record(row) for row in ROWS]
    assert (tmp_path / "j").read_bytes() == RAW
    writer.close()


def test_no_record_no_file(tmp_path: Path) -> None:
    writer = JournalWriter(f"{tmp_path}/j")
    writer.tick()
    writer.sync()
    writer.close()
    assert os.listdir(tmp_path) == []


def test_it_is_made_safe_at_most_once_a_second_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    synced: list[float] = []
    monkeypatch.setattr(
        os, "fsync", lambda file: None if os.path.isdir(f"/proc/self/fd/{file}") else synced.append(clock())
    )
    writer = JournalWriter(f"{tmp_path}/j", clock=clock)
    for tenth in range(25):
        clock.time = tenth / 10
        writer.append(OK)
        writer.tick()
    assert synced == [1.0, 2.1]
    clock.time = 60
    writer.close()
    assert synced == [1.0, 2.1, 60]


def test_the_first_safety_covers_the_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")))
    writer = JournalWriter(f"{tmp_path}/j")
    for _ in range(2):
        writer.append(OK)
        writer.sync()
        writer.sync()
    assert synced == [f"{tmp_path}/j", f"{tmp_path}", f"{tmp_path}/j"]
    writer.close()


class TightDisk:
    """A disk with room for so many bytes; and maybe none that lets a file be cut."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int, *, cuts: bool) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)
        if not cuts:
            monkeypatch.setattr(os, "ftruncate", refuse(errno.EIO))

    def write(self, file: int, raw: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(file, raw[: self.room])
        self.room -= written
        return written


@settings(deadline=None)
@given(room=st.integers(0, len(RAW)), cuts=st.booleans())
def test_a_disk_that_is_full_costs_the_record_that_did_not_fit(
    tmp_path_factory: pytest.TempPathFactory, room: int, *, cuts: bool
) -> None:
    path = str(tmp_path_factory.mktemp("full") / "j")
    written = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        disk = TightDisk(monkeypatch, room, cuts=cuts)
        writer = JournalWriter(path)
        for row in ROWS:
            try:
                writer.append(row)
            except JournalError:
                disk.room = 10_000  # somebody has made room
            else:
                written.append(row)
        writer.close()
    with open(path, "rb") as file:
        raw = file.read()
    found, damage = parse_records(raw, "j")
    if room == len(RAW) - 1 and not cuts:
        assert found == ROWS  # told to be lost, and lacks nothing but its end: what it says is so
    else:
        assert found == written
    assert len(written) >= 4
    if cuts:
        assert (raw, damage, writer.length) == (rendered(written), [], len(raw))


FULL = """\
error[E700]: cannot append to `journal.1.jsonl`: no space left on device
  help: what just ended is not recorded, and runs again next time; all that was recorded before is safe
        free some space (`df -h .`, or ask `quota`) and run hpcmake again
"""
BROKEN = """\
error[E703]: cannot append to `journal.1.jsonl`: input/output error
  help: what just ended is not recorded, and runs again next time; all that was recorded before is safe
        see what is there with `ls -ld journal.1.jsonl`, and run hpcmake again
"""


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, FULL),
        (errno.EIO, BROKEN),
    ],
)
def test_a_record_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "write", refuse(number))
    with pytest.raises(JournalError) as caught:
        JournalFolder(".").open_writer(1, {}).append(OK)
    assert render_all(caught.value.diagnostics).replace("./", "") == message
    assert caught.value.path == "./journal.1.jsonl"


def test_a_record_that_cannot_be_made_safe_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", refuse(errno.EDQUOT))
    writer = JournalWriter("j")
    writer.append(OK)
    with pytest.raises(JournalError) as caught:
        writer.close()
    assert render_all(caught.value.diagnostics) == (
        "error[E700]: cannot make safe `j`: disk quota exceeded\n"
        "  help: records of the last seconds are lost if this machine goes down now; none is if it does not\n"
        "        free some space (`df -h .`, or ask `quota`) and run hpcmake again\n"
    )


KILLED = """
import os, signal, sys
from hpcmake.journal import JournalWriter
writer = JournalWriter(sys.argv[1])
for number in range(1000):
    writer.append({"n": number})
    if number == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("last", [0, 1, 500])
def test_what_was_appended_survives_a_kill(tmp_path: Path, last: int) -> None:
    path = f"{tmp_path}/j"
    assert subprocess.run([sys.executable, "-c", KILLED, path, str(last)], check=False).returncode == -signal.SIGKILL
    with open(path, "rb") as file:
        assert parse_records(file.read(), "j") == ([{"n": number} for number in range(last + 1)], [])


# ---------------------------------------------------------------- the folder


class Campaign:
    """A journal whose folded file holds the sum of all numbers that were recorded, and what it covers."""

    def __init__(self, path: str) -> None:
        self.folder = JournalFolder(path)

    def read(self) -> tuple[int, dict[str, int]]:
        raw = self.folder.read_fold()
        total, covered = json.loads(bytes(raw)) if raw is not None else (0, {})
        for block in self.folder.read_records(covered, []):
            total += sum(row["n"] for row in block)
        return total, covered

    def fold(self) -> None:
        total, covered = self.read()
        lengths = {name: len(self.folder.read_live(name)) for name in self.folder.live()}
        covers = {name: lengths.get(name, covered.get(name, 0)) for name in {*covered, *lengths}}
        text = json.dumps([total, covers]).encode()
        self.folder.replace_fold([text[:7], text[7:]], covers)

    def add(self, *numbers: int) -> str:
        writer = self.folder.open_writer(1, self.read()[1])
        for number in numbers:
            writer.append({"n": number})
        writer.close()
        return os.path.basename(writer.path)


def test_there_is_no_journal_before_the_first_record(tmp_path: Path) -> None:
    folder = JournalFolder(f"{tmp_path}/.hpcmake")
    assert (folder.exists(), folder.live(), folder.read_fold(), folder.uncovered({})) == (False, [], None, [])
    os.mkdir(folder.path)
    assert not folder.exists()
    folder.open_writer(1, {}).append(OK)
    assert folder.exists()


def test_files_are_read_in_the_order_of_their_generations(tmp_path: Path) -> None:
    for number in (10, 9, 100):
        (tmp_path / f"journal.{number}.jsonl").write_bytes(render_record({"n": number}))
    (tmp_path / "journal.x.jsonl").write_bytes(b"not ours")
    folder = JournalFolder(str(tmp_path))
    assert folder.live() == ["journal.9.jsonl", "journal.10.jsonl", "journal.100.jsonl"]
    assert [row["n"] for block in folder.read_records({}, []) for row in block] == [9, 10, 100]


def test_folding_keeps_the_sum_and_removes_what_it_covers(tmp_path: Path) -> None:
    campaign = Campaign(str(tmp_path))
    campaign.add(1, 2)
    campaign.add(3)
    campaign.fold()
    assert os.listdir(tmp_path) == ["journal.fold"]
    assert campaign.folder.exists()
    campaign.add(4)
    assert campaign.read()[0] == 10


def test_a_name_that_the_fold_covers_does_not_come_back(tmp_path: Path) -> None:
    campaign = Campaign(str(tmp_path))
    assert campaign.add(1) == "journal.1.jsonl"
    campaign.fold()
    assert campaign.add(2) == "journal.2.jsonl"


def test_what_was_appended_behind_the_fold_is_read_and_kept(tmp_path: Path) -> None:
    campaign = Campaign(str(tmp_path))
    writer = campaign.folder.open_writer(1, {})
    writer.append({"n": 1})
    length = writer.length

    def chunks() -> Any:
        yield json.dumps([1, {"journal.1.jsonl": length}]).encode()
        writer.append({"n": 5})

    campaign.folder.replace_fold(chunks(), {"journal.1.jsonl": length})
    assert campaign.folder.uncovered({"journal.1.jsonl": length}) == [("journal.1.jsonl", length)]
    assert campaign.read()[0] == 6
    writer.close()


def test_damage_behind_the_fold_is_placed_in_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "journal.1.jsonl").write_bytes(RAW + b"damaged\n" + render_record(OK))
    damage: list[Damage] = []
    folder = JournalFolder(str(tmp_path))
    assert list(folder.read_records({"journal.1.jsonl": LINE * 3}, damage)) == [[*ROWS[3:], OK]]
    assert damage == [Damage(f"{tmp_path}/journal.1.jsonl", 6, len(RAW), 7)]


def test_a_large_fold_is_mapped(tmp_path: Path) -> None:
    folder = JournalFolder(str(tmp_path))
    folder.replace_fold([b"x" * 50_000] * 3, {})
    found = folder.read_fold()
    assert found is not None
    assert not isinstance(found, bytes)
    assert len(found) == 150_000
    assert found[149_999:] == b"x"


DOORS = ("open", "write", "fsync", "replace", "unlink")


class Killed(BaseException):
    """Stands for SIGKILL: nothing that comes behind it is done."""


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int, *, before: bool) -> list[str]:
    """Let the process die at the given step of all that change the disk; return the list of steps made."""
    steps: list[str] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            steps.append(name)
            if len(steps) > step or (len(steps) == step and before):
                raise Killed
            result = real(*values, **named)
            if len(steps) == step:
                raise Killed
            return result

        return call

    for name in DOORS:
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    return steps


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("step", range(1, 15))
def test_killed_at_any_step_of_a_run_and_a_fold_nothing_is_lost_or_counted_twice(
    tmp_path: Path, step: int, *, before: bool
) -> None:
    campaign = Campaign(str(tmp_path))
    campaign.add(1, 2)
    campaign.fold()
    campaign.add(4)
    campaign.add(8)
    done = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        steps = kill_at(monkeypatch, step, before=before)
        with pytest.raises(Killed):  # noqa: PT012  # it dies somewhere in there
            writer = campaign.folder.open_writer(1, campaign.read()[1])
            for number in (16, 32):
                writer.append({"n": number})
                done.append(number)
            writer.close()
            campaign.fold()
            steps.append("end")
            while True:
                os.write(-1, b"")
    again = Campaign(str(tmp_path))
    found = again.read()[0]
    last = [] if before or steps[-1:] != ["write"] or len(done) == 2 else [(16, 32)[len(done)]]
    assert found == 15 + sum(done) + sum(last)
    again.folder.sweep(again.read()[1])
    again.fold()
    assert again.read()[0] == found
    assert os.listdir(tmp_path) == ["journal.fold"]


def test_a_fold_that_does_not_fit_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    campaign = Campaign(".hpcmake")
    os.mkdir(".hpcmake")
    campaign.add(1, 2)
    monkeypatch.setattr(os, "write", refuse(errno.ENOSPC))
    with pytest.raises(Trouble) as caught:
        campaign.fold()
    assert render_all(caught.value.diagnostics) == (
        "error[E700]: cannot write `.hpcmake/journal.fold`: no space left on device\n"
        "  help: nothing is lost: the records stay in the files where they are\n"
        "        free some space (`df -h .hpcmake`, or ask `quota`) and run hpcmake again\n"
    )
    assert os.listdir(".hpcmake") == ["journal.1.jsonl"]
    assert campaign.read()[0] == 3


def test_a_journal_that_cannot_be_read_stops_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.makedirs(".hpcmake/journal.1.jsonl")
    with pytest.raises(Trouble) as caught:
        JournalFolder().read_live("journal.1.jsonl")
    assert render_all(caught.value.diagnostics) == (
        "error[E703]: cannot read `.hpcmake/journal.1.jsonl`: is a directory\n"
        "  help: without it all that was recorded there is unknown, so nothing is run\n"
        "        see what is there with `ls -ld .hpcmake/journal.1.jsonl`, and run hpcmake again\n"
    )


def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", refuse(errno.EACCES))
    with pytest.raises(Trouble) as caught:
        JournalFolder().live()
    assert render_all(caught.value.diagnostics) == (
        "error[E701]: cannot list `.hpcmake`: permission denied\n"
        "  help: without it all that was recorded there is unknown, so nothing is run\n"
        "        see who may (`ls -ld . .hpcmake`) and mend it with `chmod`\n"
    )


def test_records_may_be_gathered_and_are_written_in_order_with_what_cannot_wait(tmp_path: Path) -> None:
    time = [0.0]
    path = tmp_path / "journal.1.jsonl"
    writer = JournalWriter(str(path), clock=lambda: time[0])
    writer.gather = 0.5
    writer.append({"k": "ok", "t": "a"})
    writer.append({"k": "ok", "t": "b"})
    assert not path.exists()
    time[0] = 0.4
    writer.tick()
    assert not path.exists()
    time[0] = 0.5
    writer.tick()
    assert path.read_text().count("\n") == 2
    writer.append({"k": "ok", "t": "c"})
    writer.append({"k": "launch", "ts": ["d"]})
    assert [line.split('"k":"')[1].partition('"')[0] for line in path.read_text().splitlines()] == [
        "ok",
        "ok",
        "ok",
        "launch",
    ]
    writer.append({"k": "ok", "t": "e"})
    writer.close()
    assert path.read_text().count("\n") == 5
