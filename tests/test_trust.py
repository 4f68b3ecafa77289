"""What is believed, and what is told: journals that are damaged, disks that are full, campaigns without a journal."""

from __future__ import annotations

import builtins
import errno
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from hpcmake.app import folding
from hpcmake.lines import render_record

if TYPE_CHECKING:
    from command import Command

CAMPAIGN = """
    target all: "all"
    rule copy:
        input: "{n}.in"
        output: "{n}.out"
        run: cp {input} {output}
    rule all:
        input: "{n}.out" for n in ["a", "b", "c"]
        output: "all"
        run: cat {input} > {output}
"""
ALL = ["all", "copy[n=a]", "copy[n=b]", "copy[n=c]"]


@pytest.fixture
def campaign(command: Command) -> Command:
    """Three copies and what joins them; nothing is made yet."""
    command.wfile(CAMPAIGN)
    command.sources("a.in", "b.in", "c.in")
    return command


def live_file(campaign: Command) -> str:
    """Return the one live file of the journal."""
    (name,) = [name for name in os.listdir(campaign.root / ".hpcmake") if name.endswith(".jsonl")]
    return f".hpcmake/{name}"


def journal_files(campaign: Command) -> list[str]:
    return sorted(name for name in os.listdir(campaign.root / ".hpcmake") if name.startswith("journal"))


def edit(campaign: Command, path: str, change: Any) -> None:
    """Let a function change the bytes of a file."""
    place = campaign.root / path
    place.write_bytes(change(place.read_bytes()))


def add_record(campaign: Command, record: dict[str, Any]) -> None:
    edit(campaign, live_file(campaign), lambda raw: raw + render_record(record))


@pytest.fixture
def folds_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "FOLD_FROM", 0)


# ---------------------------------------------------------------- without a journal


def test_without_a_journal_makes_rule_is_used_once(campaign: Command) -> None:
    for name in ("a.out", "b.out", "c.out", "all"):
        campaign.write(name, f"{name} of long ago")
    campaign.touch("b.in")
    assert campaign.stale() == {"copy[n=b]": "input changed", "all": "input will be remade"}
    assert not campaign.exists(".hpcmake")
    assert campaign.ok().done == ["all", "copy[n=b]"]
    assert campaign.text("a.out") == "a.out of long ago"
    assert [row["t"] for row in records(campaign) if row["k"] == "adopted"] == ["copy[n=a]", "copy[n=c]"]
    # from now on no record means stale, whatever is there
    campaign.wfile(CAMPAIGN.replace('"c"]', '"c", "d"]'))
    campaign.sources("d.in", "d.out")
    assert campaign.stale()["copy[n=d]"] == "no record"


def records(campaign: Command) -> list[dict[str, Any]]:
    return [json.loads(line[9:]) for line in campaign.lines(live_file(campaign))]


def test_what_was_adopted_is_judged_by_its_record(campaign: Command) -> None:
    campaign.sources("a.out", "b.out", "c.out", "all")
    assert campaign.ok().summary["nothing_to_do"]
    campaign.wfile(CAMPAIGN.replace("cp {input}", "cat {input} | tee"))
    assert campaign.stale()["copy[n=a]"] == "command changed"


def test_an_adoption_that_was_cut_short_is_gone_on_with(campaign: Command) -> None:
    campaign.sources("a.out", "b.out", "c.out", "all")
    campaign.ok()
    edit(campaign, live_file(campaign), lambda raw: b"".join(raw.splitlines(keepends=True)[:-3]))
    assert campaign.stale() == {}
    assert campaign.ok().ran == []
    assert sorted(row["t"] for row in kind(campaign, "adopted")) == ALL


def kind(campaign: Command, *kinds: str) -> list[dict[str, Any]]:
    found = []
    for name in journal_files(campaign):
        found += [json.loads(line[9:]) for line in campaign.lines(f".hpcmake/{name}")]
    return [row for row in found if row["k"] in kinds]


def test_what_a_first_run_leaves_half_written_is_not_adopted(campaign: Command) -> None:
    campaign.wfile(
        CAMPAIGN.replace("cp {input} {output}", "echo half > {output}; kill -9 $(cat driver); exec sleep 100")
    )
    running = campaign.start(jobs=1)
    (campaign.root / "driver").write_text(str(running.process.pid))
    assert running.process.wait() == -signal.SIGKILL
    assert campaign.text("a.out") == "half\n"
    campaign.wfile(CAMPAIGN)
    assert campaign.stale() == {**dict.fromkeys(ALL, "missing output"), "copy[n=a]": "no record"}
    assert campaign.ok().done == ALL
    assert campaign.text("all") == "a.in\nb.in\nc.in\n"


def test_deleting_the_journal_loses_records_and_no_results(campaign: Command) -> None:
    campaign.ok()
    os.rename(campaign.root / ".hpcmake", campaign.root / "elsewhere")
    assert campaign.ok().summary["nothing_to_do"]


def test_a_fresh_clone_whose_inputs_are_newer_is_adopted_by_hand(campaign: Command) -> None:
    campaign.sources("a.out", "b.out", "c.out", "all")
    for name in ("a.in", "b.in", "c.in"):
        campaign.touch(name)
    assert set(campaign.stale()) == set(ALL)
    touched = campaign.say("-t")
    assert (touched.status, touched.err) == (0, "recorded 4 tasks as up to date\n")
    assert campaign.stale() == {}


def test_all_is_adopted_where_a_rule_makes_an_include(campaign: Command) -> None:
    campaign.wfile(
        """
        include "more.rules"
        rule more:
            input: "a.in"
            output: "more.rules"
            run: printf 'rule b:\\n    input: "b.in"\\n    output: "b.out"\\n    run: cp {{input}} {{output}}\\n' > {output}
        target all: "b.out"
    """
    )
    campaign.ok()
    os.rename(campaign.root / ".hpcmake", campaign.root / "elsewhere")
    assert campaign.ok().ran == []
    assert campaign.stale() == {}


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize("at", [3, 60])
def test_a_damaged_record_costs_its_task_and_is_told_once(campaign: Command, at: int) -> None:
    campaign.ok()
    path = live_file(campaign)
    lines = (campaign.root / path).read_bytes().splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if b'"t":"copy[n=b]"' in line)
    offset = sum(map(len, lines[:number]))
    edit(campaign, path, lambda raw: raw[: offset + at] + b"?" + raw[offset + at + 1 :])
    told = (
        f"warning[W710]: a record in `{path}` is damaged (line {number + 1}, byte {offset}), and skipped\n"
        "  help: the task that it was about runs again; nothing else is lost\n"
    )
    dry = campaign.say("-n")
    assert dry.err == told
    assert campaign.say("-n").err == told
    result = campaign.say("--quiet")
    assert result.status == 0
    again = campaign.say("-n")
    assert (again.out, again.err) == ("nothing to do: 4 tasks are up to date\n", "")


def test_only_the_task_of_the_damaged_record_runs(campaign: Command) -> None:
    campaign.ok()
    edit(campaign, live_file(campaign), lambda raw: raw.replace(b'"t":"copy[n=b]"', b'"t":"copy[n=x]"'))
    assert campaign.stale() == {"copy[n=b]": "no record", "all": "input will be remade"}


def test_a_half_written_last_record_is_dropped_with_a_notice(campaign: Command) -> None:
    campaign.ok()
    path = live_file(campaign)
    raw = (campaign.root / path).read_bytes()
    edit(campaign, path, lambda raw: raw[:-20])
    start = raw.rfind(b"\n", 0, -1) + 1
    assert campaign.say("-n").err == (
        f"warning[W711]: the last record in `{path}` is half written (from byte {start} on), and dropped\n"
        "  help: the task that it was about runs again; nothing else is lost\n"
    )
    assert campaign.ok().done == ["all"]
    assert campaign.say("-n").err == ""


@pytest.mark.usefixtures("folds_at_once")
def test_one_damaged_place_in_the_folded_journal_is_mended(campaign: Command) -> None:
    campaign.ok()
    assert journal_files(campaign) == ["journal.fold"]
    edit(campaign, ".hpcmake/journal.fold", lambda raw: raw.replace(b"copy", b"c\0py", 1))
    assert campaign.say("-n").err == (
        "warning[W714]: the folded journal .hpcmake/journal.fold was damaged (its head is damaged), and is mended\n"
        "  help: nothing is lost; a disk that does this once may do it again\n"
    )
    assert campaign.ok().ran == []
    assert campaign.say("-n").err == ""


@pytest.mark.usefixtures("folds_at_once")
def test_a_folded_journal_that_cannot_be_mended_is_told_and_kept(campaign: Command) -> None:
    campaign.ok()
    edit(campaign, ".hpcmake/journal.fold", lambda raw: raw[:100])
    assert campaign.say("-n").err == (
        "warning[W712]: the folded journal .hpcmake/journal.fold cannot be read: its head is damaged\n"
        "  help: what only it held is lost: those tasks have no record, and are run again;\n"
        "        `hpcmake -t` adopts what is on the disk\n"
    )
    assert campaign.stale() == dict.fromkeys(ALL, "no record")
    assert campaign.say("-t", "--quiet").status == 0
    assert campaign.stale() == {}
    assert campaign.say("-n").err == ""
    assert len((campaign.root / ".hpcmake/journal.fold.damaged").read_bytes()) == 100


@pytest.mark.usefixtures("folds_at_once")
def test_a_folded_journal_of_a_later_version_is_left_alone(campaign: Command) -> None:
    campaign.ok()
    edit(campaign, ".hpcmake/journal.fold", lambda _: b"hpcmake journal 7\nwhatever there may be")
    result = campaign.say()
    assert result.status == 2
    assert result.err == (
        "error[E712]: .hpcmake/journal.fold was written by a later hpcmake: it has version 7 of its form, "
        "and this one knows 1\n"
        "  help: use that one; or remove .hpcmake, which loses all records and no file: make's rule is used once then\n"
    )
    assert (campaign.root / ".hpcmake/journal.fold").read_bytes() == b"hpcmake journal 7\nwhatever there may be"


@pytest.mark.parametrize(
    "record",
    [
        {"k": "ok", "t": "copy[n=b]"},
        {"k": "ok", "t": "copy[n=b]", "c": "d", "a": 1, "in": [{"set": 5}], "out": []},
        {"k": "ok", "t": "copy[n=b]", "c": "d", "a": 1, "in": [], "out": [["b.out", 1 << 70, 1]]},
        {"k": "ok", "t": "copy[n=b]", "c": "d", "a": 1, "in": [], "out": [["b.out", 1.5, 1]]},
        {"k": "fail", "t": ["copy[n=b]"]},
        {"k": "cut", "t": "copy[n=b]", "w": "long"},
        {"k": "gave up", "t": "copy[n=b]", "in": [[1]]},
        {"k": "launch", "ts": 7},
        {"k": "launch", "ts": [{}]},
        {"k": "def", "id": "d", "of": []},
        {"k": "set", "id": "s", "files": [[]]},
        {"k": "forget", "keys": [3]},
        {"k": ["ok"]},
        {},
    ],
)
def test_garbage_with_a_right_checksum_is_told_and_costs_nothing_else(
    campaign: Command, record: dict[str, Any]
) -> None:
    campaign.ok()
    add_record(campaign, record)
    result = campaign.say("-n")
    assert (result.status, result.out) == (0, "nothing to do: 4 tasks are up to date\n")
    assert result.err.startswith("warning[W713]: a record in .hpcmake cannot be understood (it ")
    assert result.err.endswith(", and skipped\n  help: the task that it was about runs again; nothing else is lost\n")
    for verb in (["why", "all"], ["ls"], ["status"], ["graph"], ["--json"], ["clean", "--all"]):
        assert campaign.say(*verb).status == 0, verb


def test_garbage_is_told_whole(campaign: Command) -> None:
    campaign.ok()
    add_record(campaign, {"k": "ok", "t": "copy[n=b]"})
    add_record(campaign, {})
    assert campaign.say("-n").err == (
        "warning[W713]: 2 records in .hpcmake cannot be understood "
        "(the first: it does not say what a record of the kind `ok` must, of copy[n=b]), and skipped\n"
        "  help: the task that it was about runs again; nothing else is lost\n"
    )


def test_records_of_unknown_kinds_outlive_folds(campaign: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign.ok()
    add_record(campaign, {"k": "teleported", "to": ["x"]})
    monkeypatch.setattr(folding, "MOST_FILES", 0)
    for name in ("a.in", "b.in"):
        campaign.write(name, "new")
        campaign.ok()
    assert journal_files(campaign) == ["journal.fold"]
    assert b'{"k":"teleported","to":["x"]}' in (campaign.root / ".hpcmake/journal.fold").read_bytes()


def test_many_small_live_files_are_folded(campaign: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MOST_FILES", 3)
    for number in range(5):
        campaign.write("a.in", str(number))
        campaign.ok()
        assert len(journal_files(campaign)) <= 4
    assert journal_files(campaign) == ["journal.5.jsonl", "journal.fold"]
    assert campaign.ok().ran == []


def test_a_renamed_rule_makes_nothing_stale(campaign: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign.ok()
    campaign.wfile(CAMPAIGN.replace("rule copy", "rule duplicate"))
    assert campaign.stale() == {}
    monkeypatch.setattr(folding, "FOLD_FROM", 0)
    campaign.write("c.in", "new")
    campaign.ok()
    campaign.wfile(CAMPAIGN.replace("rule copy", "rule triplicate"))
    assert campaign.stale() == {}


# ---------------------------------------------------------------- disks that refuse


class Refusing:
    """Lets every change below a folder fail; `room` bytes go into the journal before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, room: int = 0) -> None:
        self.number = number
        self.room = room
        for name in ("mkdir", "rename", "replace", "link", "unlink", "utime", "chmod", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self.refuse)
        self._open, self._open_file, self._write = os.open, builtins.open, os.write
        monkeypatch.setattr(os, "open", self.open)
        monkeypatch.setattr(builtins, "open", self.open_file)

    def refuse(self, *_: Any, **__: Any) -> Any:
        raise OSError(self.number, os.strerror(self.number))

    def open(self, path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) and path != os.devnull:
            self.refuse()
        return self._open(path, flags, *more, **named)

    def open_file(self, path: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if set(mode) & set("wax+"):
            self.refuse()
        return self._open_file(path, mode, *more, **named)


@pytest.mark.parametrize(
    "words",
    [
        ["-n"],
        ["-q"],
        ["why", "all"],
        ["ls"],
        ["status"],
        ["log", "all"],
        ["graph"],
        ["check"],
        ["clean", "--all", "-n"],
    ],
    ids=lambda words: words[0],
)
def test_what_only_looks_works_in_a_folder_that_cannot_be_written(
    campaign: Command, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    campaign.ok()
    with monkeypatch.context() as patch:
        Refusing(patch, errno.EROFS)
        result = campaign.say(*words)
    assert result.status == 0, result
    assert result.err == ("all has printed nothing\n" if words[0] == "log" else "")


def test_a_run_in_a_folder_that_cannot_be_written_is_an_error(
    campaign: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        Refusing(patch, errno.EROFS)
        result = campaign.say()
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        f"error[E704]: {campaign.root}/.hpcmake cannot be written: Read-only file system\n"
        "  help: hpcmake keeps its records there; `hpcmake -n` needs to write nothing\n"
    )


def test_a_file_in_the_place_of_the_folder_is_an_error(campaign: Command) -> None:
    campaign.write(".hpcmake", "")
    for words in ([], ["-n"], ["status"]):
        result = campaign.say(*words)
        assert result.status == 2
        assert result.err == (
            "error[E703]: cannot list `.hpcmake`: not a directory\n"
            "  help: without it all that was recorded there is unknown, so nothing is run\n"
            "        see what is there with `ls -ld .hpcmake`, and run hpcmake again\n"
        )


class FullJournal:
    """A disk that has so many bytes of room for the journal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file: int, raw: Any) -> int:
        if "/journal." not in os.readlink(f"/proc/self/fd/{file}"):
            return self._write(file, raw)
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(file, raw[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("room", range(0, 1500, 125))
def test_a_full_disk_is_told_and_costs_what_was_not_recorded(
    campaign: Command, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    with monkeypatch.context() as patch:
        FullJournal(patch, room)
        result = campaign.say("-j", "1")
    told = [line for line in result.err.splitlines() if line.startswith(("error", "  help", "        "))]
    assert told == [
        "error[E700]: cannot append to `.hpcmake/journal.1.jsonl`: no space left on device",
        "  help: what just ended is not recorded, and runs again next time; all that was recorded before is safe",
        "        free some space (`df -h .hpcmake`, or ask `quota`) and run hpcmake again",
    ]
    assert result.status == 2
    done = {row["t"] for row in kind(campaign, "ok")}
    again = campaign.ok()
    assert set(again.done) == set(ALL) - done
    assert campaign.text("all") == "a.in\nb.in\nc.in\n"


def test_a_fold_that_finds_no_room_loses_nothing(campaign: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign.ok()
    campaign.write("a.in", "new")
    before = journal_files(campaign)
    with monkeypatch.context() as patch:
        patch.setattr(folding, "FOLD_FROM", 0)
        FullJournal(patch, 2500)
        result = campaign.say("-j", "1")
    assert result.status == 0
    assert result.err.splitlines()[-3:] == [
        "error[E700]: cannot write `.hpcmake/journal.fold`: no space left on device",
        "  help: nothing is lost: the records stay in the files where they are",
        "        free some space (`df -h .hpcmake`, or ask `quota`) and run hpcmake again",
    ]
    assert journal_files(campaign) == [*before, "journal.2.jsonl"]
    assert campaign.ok().ran == []
