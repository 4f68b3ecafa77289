"""What a run tells: the same small story in each voice, the ends of a run, and what must never happen to a terminal."""

import io
import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.report import Trace, Voice, make_voice
from hpcmake.report.live import LiveVoice
from hpcmake.report.summary import Account
from hpcmake.report.tally import Tally
from hpcmake.report.words import about, count, printable, printed, rule_counts

Row = Mapping[str, object]


class Clock:
    """A clock that stands until it is set forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal:
    """What one sees on a terminal of so many columns and lines that is written to."""

    encoding = "utf-8"

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.columns, self.lines = columns, lines
        self.rows: list[str] = [""]
        self.row = 0
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\n|[^\x1b\n]+", text):
            self.obey(piece)
        return len(text)

    def obey(self, piece: str) -> None:
        if piece == "\n":
            self.row += 1
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif piece.startswith("\x1b"):
            if piece.endswith("F"):
                self.row -= int(piece[2:-1])
                self.column_is_first = True
            elif piece == "\x1b[J":
                self.rows[self.row :] = [""]
            else:
                assert piece.endswith(("m", "K")), f"an escape that one would have to undo: {piece!r}"
        else:
            assert len(piece) < self.columns or not self.is_bars(piece), "a line that may wrap"
            self.rows[self.row] = piece  # all that is written begins a line
            assert self.row >= 0

    def is_bars(self, piece: str) -> bool:
        return "━" in piece or "─" in piece

    def flush(self) -> None: ...

    def screen(self) -> str:
        return "\n".join(self.rows)


def began(task: str, **more: object) -> Row:
    reason = {"kind": "missing output", "file": "docked/x/a.sdf"}
    return {"kind": "began", "task": task, "rule": task.partition("[")[0], "attempt": 1, "reason": reason, **more}


def done(task: str, wall: float = 12.0, **more: object) -> Row:
    row = {"kind": "done", "task": task, "rule": task.partition("[")[0], "attempt": 1, "wall": wall, "cpu": 11.0}
    return {**row, "rss": 123456, "outputs": ["docked/x/a.sdf"], **more}


def failed(task: str, **more: object) -> Row:
    row = {"kind": "failed", "task": task, "rule": task.partition("[")[0], "attempt": 1, "status": 3, "why": "exit"}
    row |= {"words": "exit 3", "wall": 12.0, "log": ".hpcmake/logs/7", "again": False}
    return {**row, "tail": ["reading a.sdf", "no atoms"], "rerun": "hpcmake docked/x/b.sdf", **more}


START: Row = {
    "kind": "start",
    "where": "this machine",
    "cores": 2,
    "memory": 2**34,
    "gpus": 0,
    "stale": 12,
    "fresh": 28,
    "unknown": 1,
    "rules": {"dock": 10, "score": 2},
    "expected": 200.0,
}


def summary(**more: object) -> Row:
    row: dict[str, object] = dict.fromkeys(("done", "failed", "fresh", "given_up", "cut", "left", "unknown", "exit"), 0)
    return {"kind": "summary", **row, "wall": 36.0, "nothing_to_do": False, **more}


STORY: list[Row] = [
    START,
    began("dock[c=a,p=x]", command="vina --receptor x \\\n  --out docked/x/a.sdf"),
    began("dock[c=b,p=x]", command="vina --receptor x \\\n  --out docked/x/b.sdf"),
    done("dock[c=a,p=x]"),
    failed("dock[c=b,p=x]", again=True),
    began("dock[c=b,p=x]", attempt=2, reason={"kind": "failed before"}, command="vina"),
    {"kind": "planned", "rules": {"plot": 6}, "stale": 6, "unknown": 0},
    {"kind": "removed", "file": "tmp/a.pdb", "why": "temp"},
    {"kind": "fresh", "task": "score[p=x]", "rule": "score"},
    {"kind": "note", "text": "dock wants 4 cores; it runs alone with 2"},
    failed("dock[c=b,p=x]", attempt=2),
    began("dock[c=c,p=x]", command="vina"),
    {"kind": "cut", "task": "dock[c=c,p=x]", "rule": "dock", "attempt": 1, "why": "stop"},
    summary(done=1, failed=1, fresh=29, cut=1, left=15, exit=1),
]


def tell(rows: list[Row], *, json: bool = False, quiet: bool = False, verbose: bool = False) -> tuple[str, str]:
    """Return what a voice without a terminal writes to stdout and to stderr."""
    out, err = io.StringIO(), io.StringIO()
    voice = make_voice(
        json=json, quiet=quiet, verbose=verbose, stream_out=out, stream_err=err, is_terminal=False, color=False
    )
    for row in rows:
        voice.tell(row)
    voice.close()
    return out.getvalue(), err.getvalue()


# ---------------------------------------------------------------- without a terminal


def test_plain_lines() -> None:
    out, err = tell(STORY)
    assert out == ""
    assert (
        err
        == """\
12 tasks to run on this machine (2 cores): dock 10, score 2; 28 are up to date
more will follow, which is known only later
expected to take about 3m20s
done dock[c=a,p=x] 12s
failed dock[c=b,p=x]: exit 3 after 12s; it is tried again
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
now known: 6 more tasks to run: plot 6
removed tmp/a.pdb: it was temporary, and is not needed any more
up to date score[p=x]
dock wants 4 cores; it runs alone with 2
FAILED dock[c=b,p=x] (attempt 2): exit 3 after 12s
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
  to run just this task: hpcmake docked/x/b.sdf
ended early dock[c=c,p=x]: hpcmake was told to stop
not finished in 36s: 1 task done, 1 failed, 1 ended early, 29 up to date
  dock[c=b,p=x]: exit 3; to run just this task: hpcmake docked/x/b.sdf
left: 15 tasks; a failure stops the run
next: mend what failed and type hpcmake again, which goes on from here; hpcmake -k does all that does not depend on \
a failure
"""
    )


def test_a_short_run_is_told_shortly() -> None:
    row = {**START, "stale": 1, "fresh": 1, "unknown": 0, "rules": {"dock": 1}, "expected": 0.3}
    assert tell([row]) == ("", "1 task to run on this machine (2 cores): dock 1; 1 is up to date\n")


def test_plain_lines_with_commands() -> None:
    _, err = tell(STORY[:4], verbose=True)
    assert (
        err
        == """\
12 tasks to run on this machine (2 cores, 16 GiB of memory): dock 10, score 2; 28 are up to date
more will follow, which is known only later
expected to take about 3m20s
began dock[c=a,p=x]: missing output docked/x/a.sdf
    vina --receptor x \\
      --out docked/x/a.sdf
began dock[c=b,p=x]: missing output docked/x/a.sdf
    vina --receptor x \\
      --out docked/x/b.sdf
done dock[c=a,p=x] 12s
"""
    )


def test_quiet_tells_what_failed_for_good_and_nothing_else() -> None:
    out, err = tell(STORY, quiet=True)
    assert out == ""
    assert (
        err
        == """\
FAILED dock[c=b,p=x] (attempt 2): exit 3 after 12s
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
  to run just this task: hpcmake docked/x/b.sdf
"""
    )


def test_quiet_tells_mistakes_but_no_warnings() -> None:
    rows: list[Row] = [
        {"kind": "warning", "text": "warning[W101]: a tab\n"},
        {"kind": "warning", "text": "error[E414]: b.txt was not produced\n"},
        {"kind": "warning", "text": "missing: a.txt\n"},
    ]
    assert tell(rows, quiet=True) == ("", "error[E414]: b.txt was not produced\nmissing: a.txt\n")
    assert len(tell(rows, quiet=True, json=True)[0].splitlines()) == 2


def test_a_failure_may_need_several_lines_of_words() -> None:
    words = "error[E305]: no such key `b`\n --> Wfile:3\n"
    row = failed("dock[c=a]", words=words, why="command", wall=0.0, log=None, tail=[])
    assert tell([row, summary(failed=1, exit=1)])[1] == (
        "FAILED dock[c=a]: error[E305]: no such key `b`\n"
        "   --> Wfile:3\n"
        "  to run just this task: hpcmake docked/x/b.sdf\n"
        "not finished in 36s: 0 tasks done, 1 failed\n"
        "  dock[c=a]: error[E305]: no such key `b`; to run just this task: hpcmake docked/x/b.sdf\n"
        "next: mend what failed and type hpcmake again, which goes on from here\n"
    )


def test_json_is_every_row_as_it_came() -> None:
    out, err = tell(STORY, json=True)
    assert err == ""
    assert [json.loads(line) for line in out.splitlines()] == STORY
    assert out.splitlines()[3] == (
        '{"kind":"done","task":"dock[c=a,p=x]","rule":"dock","attempt":1,"wall":12.0,"cpu":11.0,"rss":123456,'
        '"outputs":["docked/x/a.sdf"]}'
    )


def test_json_and_quiet_is_failures_and_the_summary() -> None:
    out, _ = tell(STORY, json=True, quiet=True)
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["failed", "failed", "summary"]


def test_json_can_be_written_to_a_stream_of_any_encoding() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    voice = make_voice(
        json=True, quiet=False, verbose=False, stream_out=stream, stream_err=stream, is_terminal=False, color=False
    )
    voice.tell(done("sort[city=Zürich\udcff]"))
    voice.close()
    stream.seek(0)
    assert json.loads(stream.read())["task"] == "sort[city=Zürich\udcff]"


def plain_voice(stream: io.TextIOBase, clock: Clock, *, json: bool = False) -> Voice:
    return make_voice(
        json=json,
        quiet=False,
        verbose=False,
        stream_out=stream,  # type: ignore[arg-type]
        stream_err=stream,  # type: ignore[arg-type]
        is_terminal=False,
        color=False,
        clock=clock,
    )


def test_what_runs_long_is_named_once() -> None:
    clock, stream = Clock(), io.StringIO()
    voice = plain_voice(stream, clock)
    voice.tell(began("leg[k=1]"))
    clock.now += 9
    voice.tell(began("leg[k=2]"))
    voice.tick()
    assert stream.getvalue() == ""
    clock.now += 2
    voice.tick()
    voice.tick()
    assert stream.getvalue() == "running leg[k=1]\n"


class Written(io.StringIO):
    """Counts the writes that a reader would be woken by."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


@pytest.mark.parametrize("json", [False, True])
def test_a_row_is_written_at_once_and_thousands_together(json: bool) -> None:
    clock, stream = Clock(), Written()
    voice = plain_voice(stream, clock, json=json)
    voice.tell(done("a"))
    assert stream.getvalue().count("\n") == 1
    for number in range(3000):
        voice.tell(done(f"a[i={number}]"))
    assert stream.flushes < 25
    clock.now += 0.1
    voice.tick()
    assert stream.getvalue().count("\n") == 3001
    voice.tell(done("b"))
    assert stream.getvalue().count("\n") == 3002


def test_nothing_is_held_longer_than_a_moment_though_nobody_ticks() -> None:
    clock, stream = Clock(), io.StringIO()
    voice = plain_voice(stream, clock)
    for number in range(100):
        clock.now += 0.02
        voice.tell(done(f"a[i={number}]"))
    assert stream.getvalue().count("\n") > 90


@pytest.mark.parametrize("json", [False, True])
def test_a_reader_who_leaves_does_not_end_the_run(json: bool) -> None:
    reader, writer = os.pipe()
    stream = os.fdopen(writer, "w")
    voice = plain_voice(stream, Clock(), json=json)
    voice.tell(done("a"))
    os.close(reader)
    voice.tell(done("b"))
    voice.tell(done("c"))
    voice.close()
    stream.close()


def test_a_full_disk_is_not_passed_over() -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        plain_voice(Full(), Clock()).tell(done("a"))


# ---------------------------------------------------------------- the end of a run


def end(*rows: Row, **more: object) -> str:
    account = Account()
    for row in rows:
        account.tell(row)
    return "\n".join(account.summary_lines(summary(**more)))


def test_nothing_to_do() -> None:
    assert end(nothing_to_do=True) == "nothing to do"
    assert end(nothing_to_do=True, fresh=1) == "nothing to do: 1 task is up to date"
    assert end(nothing_to_do=True, fresh=4321) == "nothing to do: 4,321 tasks are up to date"
    assert end(nothing_to_do=True, fresh=2, given_up=1) == "nothing to do: 2 tasks are up to date, 1 is given up"


def test_finished() -> None:
    assert end(done=1) == "finished in 36s: 1 task done"
    assert end(done=10000, fresh=3) == "finished in 36s: 10,000 tasks done, 3 up to date"


def test_what_is_given_up_is_no_failure() -> None:
    rows = [failed("dock"), {"kind": "gave up", "task": "dock", "rule": "dock"}]
    assert end(*rows, done=4, given_up=1) == "finished in 36s: 4 tasks done, 1 given up"


def test_all_done_but_what_failed_and_what_needs_it() -> None:
    assert end(failed("dock"), done=4, failed=1, left=1, exit=1, keep_going=True) == (
        "not finished in 36s: 4 tasks done, 1 failed\n"
        "  dock: exit 3; to run just this task: hpcmake docked/x/b.sdf\n"
        "left: 1 task; it needs what failed\n"
        "next: mend what failed and type hpcmake again, which goes on from here"
    )


def test_of_many_failures_ten_are_named() -> None:
    lines = end(*(failed(f"dock[i={number}]") for number in range(12)), failed=12, exit=1).splitlines()
    assert len([line for line in lines if line.startswith("  dock")]) == 10
    assert lines[11] == "  and 2 more: hpcmake ls --where 'state = failed'"


def test_interrupted() -> None:
    assert end(done=3, cut=2, left=1, unknown=2, exit=130) == (
        "interrupted in 36s: 3 tasks done, 2 ended early\n"
        "left: 1 task, and what is known only later\n"
        "next: type hpcmake again, which goes on from here"
    )


# ---------------------------------------------------------------- on a terminal


def on_terminal(terminal: Terminal, clock: Clock, *, color: bool = False) -> LiveVoice:
    return LiveVoice(
        terminal,  # type: ignore[arg-type]
        clock,
        color=color,
        verbose=False,
        size=lambda: (terminal.columns, terminal.lines),
    )


def after(rows: list[Row], terminal: Terminal, *, color: bool = False) -> tuple[LiveVoice, Clock]:
    clock = Clock()
    voice = on_terminal(terminal, clock, color=color)
    for row in rows:
        voice.tell(row)
        clock.now += 6
        voice.tick()
    return voice, clock


def test_bars_in_80_columns() -> None:
    terminal = Terminal(80)
    after(STORY[:4], terminal)
    assert (
        terminal.screen()
        == """\
12 tasks to run on this machine (2 cores): dock 10, score 2; 28 are up to date
more will follow, which is known only later
expected to take about 3m20s
dock  ━━━━╸╸╸╸──────────────────────────────── 1/10
score ────────────────────────────────────────  0/2
    12s dock[c=b,p=x]
1 of 12 tasks, 24s, at least 3m left
"""
    )


def test_bars_in_40_columns() -> None:
    terminal = Terminal(40)
    after([*STORY[:5], began("dock[c=a-rather-long-name,protein=1abc]")], terminal)
    assert (
        terminal.screen().partition("3m20s\n")[2]
        == """\
failed dock[c=b,p=x]: exit 3 after 12s; it is tried again
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
dock  ━━╸╸╸─────────────────────── 1/10
score ────────────────────────────  0/2
     6s dock[c=a-rather…e,protein=1abc]
1 of 12 tasks, 36s, at least 2m40s left
"""
    )


def test_failures_and_notes_stand_above_the_bars_and_the_summary_takes_their_place() -> None:
    terminal = Terminal(80)
    voice, _ = after(STORY, terminal)
    voice.close()
    assert (
        terminal.screen()
        == """\
12 tasks to run on this machine (2 cores): dock 10, score 2; 28 are up to date
more will follow, which is known only later
expected to take about 3m20s
failed dock[c=b,p=x]: exit 3 after 12s; it is tried again
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
dock wants 4 cores; it runs alone with 2
FAILED dock[c=b,p=x] (attempt 2): exit 3 after 12s
  | reading a.sdf
  | no atoms
  log: .hpcmake/logs/7
  to run just this task: hpcmake docked/x/b.sdf
not finished in 36s: 1 task done, 1 failed, 1 ended early, 29 up to date
  dock[c=b,p=x]: exit 3; to run just this task: hpcmake docked/x/b.sdf
left: 15 tasks; a failure stops the run
next: mend what failed and type hpcmake again, which goes on from here; hpcmake -k does all that does not depend on \
a failure
"""
    )


def test_a_run_that_dies_leaves_how_far_it_was() -> None:
    terminal = Terminal(80)
    voice, _ = after(STORY[:4], terminal)
    voice.close()
    voice.close()
    assert terminal.screen().splitlines()[3:] == ["1 of 12 tasks, 24s, at least 3m left"]


def test_nothing_needs_to_be_undone_when_it_is_killed() -> None:
    terminal = Terminal(80)
    after(STORY, terminal, color=True)  # Terminal refuses all but colours, clearing, and going up
    assert not re.search(r"\x1b\[(?!0m)[0-9;]*m[^\x1b]*(\n|$)", terminal.written), (
        "a colour that is not ended in its line"
    )


def test_colours_only_where_wanted() -> None:
    plain, coloured = Terminal(80), Terminal(80)
    after(STORY, plain)
    after(STORY, coloured, color=True)
    assert not re.search(r"\x1b\[[0-9;]*m", plain.written)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured.written) == plain.written


def test_what_is_done_failed_and_left_differs_by_colour_and_sign() -> None:
    terminal = Terminal(40)
    after([START, began("dock[c=a]"), failed("dock[c=a]"), done("score[p=x]")], terminal, color=True)
    assert "dock  \x1b[1;31m━━\x1b[0m\x1b[2m─────" in terminal.written
    assert "score \x1b[32m━━━" in terminal.written
    assert "\n1 of 12 tasks, at least 3m left\x1b[K\n" in terminal.written


def test_a_short_run_is_never_drawn() -> None:
    terminal, clock = Terminal(80), Clock()
    voice = on_terminal(terminal, clock)
    for row in [{"kind": "start", "stale": 0, "fresh": 3}, summary(nothing_to_do=True, fresh=3)]:
        voice.tell(row)
        voice.tick()
    voice.close()
    assert terminal.written == "nothing to do: 3 tasks are up to date\n"


def test_thousands_of_rows_are_counted_and_not_drawn() -> None:
    terminal, clock = Terminal(80), Clock()
    voice = on_terminal(terminal, clock)
    voice.tell(START)
    before = terminal.written
    for number in range(5000):
        voice.tell(began(f"dock[i={number}]"))
        voice.tell(done(f"dock[i={number}]"))
        voice.tick()
    assert terminal.written == before


def test_at_most_ten_drawings_a_second() -> None:
    terminal, clock = Terminal(80), Clock()
    voice = on_terminal(terminal, clock)
    voice.tell(START)
    for _ in range(1000):
        clock.now += 0.01
        voice.tick()
    assert 50 < terminal.written.count(" of 12 tasks") <= 100


@given(
    columns=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    lines=st.integers(1, 60),
    rules=st.dictionaries(st.text(max_size=30), st.integers(0, 10**6), max_size=40),
    tasks=st.lists(st.text(max_size=120), max_size=30, unique=True),
)
def test_bars_fit_any_terminal_and_any_names(
    columns: list[int], lines: int, rules: dict[str, int], tasks: list[str]
) -> None:
    from rich.cells import cell_len

    from hpcmake.report.bars import Bars

    tally = Tally(Clock())
    tally.tell("start", {"rules": rules, "unknown": 0})
    for task, rule in zip(tasks, itertools.cycle(rules or ["r"])):
        tally.tell("began", {"task": task, "rule": rule})
    bars = Bars(encoding="utf-8", color=False)
    for width in columns:
        drawn = bars.render(tally, width, lines)
        assert len(drawn) <= max(1, lines - 1)
        assert all(cell_len(line) <= max(8, width - 1) for line in drawn)
        assert all(line.isprintable() for line in drawn)


def test_many_rules_are_folded_but_for_those_that_matter_now() -> None:
    terminal = Terminal(60, 40)
    rules = {f"rule{number:02}": 10 for number in range(30)}
    rows: list[Row] = [{"kind": "start", "stale": 300, "rules": rules}, began("rule25[i=1]"), began("rule07[i=1]")]
    after(rows, terminal)
    shown = [line.split()[0] for line in terminal.screen().splitlines() if "/" in line]
    assert shown == [*(f"rule{n:02}" for n in [*range(10), 25]), "19"]
    assert "19 other rules" in terminal.screen()


def test_of_many_running_tasks_the_oldest_are_named() -> None:
    terminal = Terminal(60, 40)
    after([START, *(began(f"dock[i={number}]") for number in range(20))], terminal)
    lines = terminal.screen().splitlines()
    assert lines[-9:-7] == ["     2m dock[i=0]", "  1m54s dock[i=1]"]
    assert lines[-2] == "        and 13 more"


def test_where_there_is_no_unicode_bars_are_ascii() -> None:
    terminal = Terminal(80)
    terminal.encoding = "ascii"
    after([START, began("dock[c=Zürich,p=x]")], terminal)
    assert terminal.written.isascii()
    assert "dock[c=Z?rich,p=x]" in terminal.screen()


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO()
    voice = make_voice(
        json=False, quiet=False, verbose=False, stream_out=stream, stream_err=stream, is_terminal=True, color=True
    )
    voice.tell(done("sort"))
    assert stream.getvalue() == "done sort 12s\n"


# ---------------------------------------------------------------- how long it will take


def test_the_forecast_counts_what_was_measured_and_how_many_run_at_once() -> None:
    clock = Clock()
    tally = Tally(clock)
    tally.tell("start", {"rules": {"a": 10}})
    assert tally.remaining() is None
    tally.tell("began", {"task": "1", "rule": "a"})
    tally.tell("began", {"task": "2", "rule": "a"})
    clock.now += 10
    for task in "12":
        tally.tell("done", {"task": task, "rule": "a", "wall": 10.0})
    assert tally.remaining() == 40  # eight of 10 s, two at once


def test_the_forecast_falls_back_to_what_was_expected() -> None:
    clock = Clock()
    tally = Tally(clock)
    tally.tell("start", {"rules": {"a": 1, "b": 1}, "expected": 100.0})
    clock.now += 30
    assert tally.remaining() == 70
    clock.now += 100
    assert tally.remaining() is None


def test_the_plan_may_grow() -> None:
    tally = Tally(Clock())
    tally.tell("start", {"rules": {"a": 1}, "unknown": 2})
    tally.tell("planned", {"rules": {"a": 2, "b": 3}, "unknown": 0})
    assert {rule: each.total for rule, each in tally.rules.items()} == {"a": 3, "b": 3}
    assert tally.unknown == 0


# ---------------------------------------------------------------- words


def test_plurals_and_thousands() -> None:
    assert [count(number, "task") for number in (0, 1, 2, 12345)] == ["0 tasks", "1 task", "2 tasks", "12,345 tasks"]


def test_a_forecast_is_no_finer_than_it_can_be_known() -> None:
    assert [about(seconds) for seconds in (0.2, 12.4, 203, 1234, 20000, 200000)] == [
        "1s",
        "12s",
        "3m20s",
        "21m",
        "5h30m",
        "2d8h",
    ]


def test_many_rules_are_cut_short() -> None:
    assert rule_counts({"a": 1, "b": 0, "c": 1200}) == "a 1, c 1,200"
    assert rule_counts({f"r{n}": 1 for n in range(20)}).endswith("r7 1, and 12 more rules")


def test_output_of_programs_is_shown_as_a_terminal_would_leave_it() -> None:
    assert printed("\x1b[1;31merror:\x1b[0m no\tsuch \x1b]8;;http://x\x07link\x1b]8;;\x07 file\r\n") == (
        "error: no    such link file"
    )
    assert printed(" 10 %\r 50 %\r100 % done") == "100 % done"


@given(st.text())
def test_names_do_nothing_to_a_terminal(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", printable(text))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", printed(text))


# ---------------------------------------------------------------- the trace


def traced(rows: list[tuple[float, Row]]) -> list[dict[str, object]]:
    clock = Clock()
    trace = Trace(clock)
    for at, row in rows:
        clock.now = 1000 + at
        trace.tell(row)
    events: list[dict[str, object]] = json.loads(trace.render())
    return events


def test_a_trace_of_nothing_is_a_trace() -> None:
    assert traced([]) == []


def test_each_attempt_takes_the_lowest_free_lane() -> None:
    events = traced(
        [
            (0, began("a[i=1]")),
            (1, began("a[i=2]")),
            (2, done("a[i=1]", wall=1.5)),
            (3, began("a[i=3]")),
            (4, failed("a[i=2]", wall=9)),
            (5, done("a[i=3]", wall=2)),
        ]
    )
    assert events[0] == {"name": "process_name", "ph": "M", "pid": 0, "args": {"name": "this machine"}}
    assert [(e["name"], e["ts"], e["dur"], e["pid"], e["tid"]) for e in events[1:]] == [
        ("a[i=1]", 500_000, 1_500_000, 0, 0),
        ("a[i=2]", 1_000_000, 3_000_000, 0, 1),
        ("a[i=3]", 3_000_000, 2_000_000, 0, 0),
    ]
    assert {e["ph"] for e in events[1:]} == {"X"}
    assert events[2]["args"] == {"end": "failed", "attempt": 1, "status": 3, "why": "exit"}


def test_each_node_is_a_process_of_the_trace() -> None:
    events = traced(
        [(0, began("a", node="nid1")), (0, began("b", node="nid2")), (1, done("a", wall=1)), (1, done("b", wall=1))]
    )
    assert [(e["pid"], e["tid"]) for e in events if e["ph"] == "X"] == [(0, 0), (1, 0)]
    assert [e["args"] for e in events if e["ph"] == "M"] == [{"name": "nid1"}, {"name": "nid2"}]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 20)), max_size=60))
def test_no_two_attempts_overlap_in_a_lane(steps: list[tuple[int, float]]) -> None:
    def rows() -> Iterator[tuple[float, Row]]:
        running: set[str] = set()
        for at, (task, wall) in enumerate(steps):
            name = f"t[i={task}]"
            yield at, done(name, wall=wall) if name in running else began(name)
            running ^= {name}

    lanes: dict[object, int] = {}
    for event in traced(list(rows())):
        if event["ph"] == "X":
            start, length = event["ts"], event["dur"]
            assert isinstance(start, int)
            assert isinstance(length, int)
            assert start >= lanes.get(event["tid"], 0)
            assert length >= 0
            lanes[event["tid"]] = start + length
