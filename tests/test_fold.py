"""The folded history says what the records said, in every answer; and one damaged place in it costs nothing."""

from __future__ import annotations

import json
from sys import byteorder
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmake.planner import fold
from hpcmake.planner.fold import FoldError, LaterFoldError, parse_fold, render_fold
from hpcmake.planner.parity import find_mended, with_parity
from hpcmake.tasks.history import History

# ---------------------------------------------------------------- histories

RULES = ("dock", "score", "split")
file_names = st.sampled_from(["a", "b/c", "d\1e", "f/\udcff", "ä", "x.out", "y.out"])
stamps = st.tuples(st.integers(-1, 1 << 62), st.integers(0, 1 << 40)).map(list)
files = st.builds(lambda name, stamp: [name, *stamp], file_names, stamps)
hashed = st.builds(
    lambda file, digest, late: [*file, digest, *([1] if late else [])], files, st.just("ab12"), st.booleans()
)
taken = st.lists(
    files | hashed | file_names.map(lambda name: [name]) | st.sampled_from([{"set": "s0"}, {"set": "s1"}]), max_size=4
)
tasks = st.builds(lambda rule, number: (rule, f"{rule}[n={number}]", number), st.sampled_from(RULES), st.integers(0, 4))


@st.composite
def successes(draw: st.DrawFn) -> dict[str, Any]:
    rule, task, number = draw(tasks)
    folder = draw(st.sampled_from(["out", "o\1t"]))
    made = [] if rule == "split" else [[f"{folder}/{rule}/{number}", *draw(stamps)]]
    record: dict[str, Any] = {
        "k": draw(st.sampled_from(["ok", "adopted"])),
        "t": task,
        "c": draw(st.sampled_from(["d0", "d1"])),
        "a": 1,
        "in": draw(taken),
        "out": made + draw(st.lists(files, max_size=1)) if made else [],
    }
    for key, values in (
        ("v", st.lists(st.integers(), max_size=2)),
        ("dep", st.lists(files, max_size=2)),
        ("prod", st.lists(files, max_size=2)),
        ("as", st.dictionaries(file_names, stamps, max_size=1)),
        ("w", st.floats(0, 1e6)),
        ("rss", st.integers(0, 1 << 40)),
        ("n", st.sampled_from(["nid1", "nid2"])),
        ("log", st.tuples(st.just("logs/1"), st.integers(0, 9), st.integers(0, 9)).map(list)),
    ):
        if draw(st.booleans()):
            record[key] = draw(values)
    return record


others = st.one_of(
    st.builds(
        lambda task, kind: {"k": kind, "t": task[1], "c": "d2", "rc": 1, "why": "exit", "w": 0.5},
        tasks,
        st.sampled_from(["fail", "cut", "gave up"]),
    ),
    st.builds(lambda task: {"k": "launch", "n": "h", "ts": [task[1]]}, tasks),
    st.builds(lambda task: {"k": "unlaunch", "ts": [task[1]]}, tasks),
    st.builds(lambda task: {"k": "forget", "keys": [f"out/{task[0]}/{task[2]}"]}, tasks),
    st.just({"k": "teleported", "x": [1]}),
)
HEAD: list[dict[str, Any]] = [
    *({"k": "def", "id": name, "of": {"run": name}} for name in ("d0", "d1", "d2", "d3")),
    {"k": "set", "id": "s0", "files": []},
    {"k": "set", "id": "s1", "files": [["a", 1, 2], ["b/c"]]},
    {"k": "run", "n": "h"},
]
records = st.lists(successes() | others, max_size=12)
orders = st.fixed_dictionaries(
    {}, optional={rule: st.permutations([f"out/{rule}/{n}" for n in range(5)]) for rule in RULES}
)


def history_of(rows: list[dict[str, Any]]) -> History:
    history = History()
    history.take([*HEAD, *rows])
    return history


def folded(history: History, order: dict[str, list[str]] | None = None) -> bytes:
    return b"".join(render_fold(history, {"journal.1.jsonl": 7}, order or {}, ["x.out", "a"]))


def answers(history: History) -> dict[str, Any]:
    """Return all that a history is ever asked."""
    versions = history.versions

    def version(number: int) -> Any:
        digest = versions.hashes.get(number)
        return versions.paths[number], versions.stamp(number), digest, number in versions.uncertain

    found = {}
    for rule in history.rules():
        for past in history.all_of(rule):
            ledger, row = past.ledger, past.row
            key = ledger.keys[row]
            assert history.find(key, rule) is not None
            assert history.find(key, "a later name of the rule") is not None
            names = [history.names[n] if n >= 0 else None for n in (ledger.node[row], ledger.log_file[row])]
            found[key] = (
                *(rule, ledger.definition, history.definitions.get(ledger.definition)),
                [version(e) if e >= 0 else [*map(version, history.sets[-2 - e])] for e in ledger.taken_by(row)],
                history.made_paths(past),
                history.produced(past),
                ledger.values.get(row, []),
                ledger.extras.get(row, {}),
                *(names, ledger.rest_of(row)[:4], ledger.log_at[row], ledger.log_length[row]),
            )
    return {
        "found": found,
        "others": history.others,
        "kept": history.kept,
        "exists": history.exists,
        "of others": [history.definitions.get(str(record.get("c"))) for record in history.others.values()],
    }


@given(records, records, orders)
def test_after_a_fold_each_answer_is_the_same(
    first: list[dict[str, Any]], second: list[dict[str, Any]], order: dict[str, list[str]]
) -> None:
    before = history_of(first)
    after = parse_fold(folded(before, order))
    assert answers(after) == answers(before)
    assert after.covers == {"journal.1.jsonl": 7}
    # and what is recorded later means the same on top of either
    before.take([*HEAD, *second])
    after.take([*HEAD, *second])
    assert answers(after) == answers(before)
    assert answers(parse_fold(folded(after))) == answers(before)


@given(records)
def test_the_fold_of_a_fold_is_the_same_text(rows: list[dict[str, Any]]) -> None:
    once = folded(history_of(rows))
    assert folded(parse_fold(once)) == once


def test_seconds_of_tasks_that_count_no_more_are_forgotten_by_the_fold() -> None:
    row = {"k": "ok", "t": "dock[n=1]", "c": "d0", "a": 1, "in": [], "out": [["out/1", 1, 1]], "w": 2.0}
    history = history_of([row, {**row, "w": 4.0}])
    assert parse_fold(folded(history)).walls("dock") == [4.0]


def test_rows_and_versions_stand_in_the_order_of_the_plan() -> None:
    rows = [
        {"k": "ok", "t": f"dock[n={n}]", "c": "d0", "a": 1, "in": [[f"in/{n}", 5, 5]], "out": [[f"out/{n}", n, n]]}
        for n in (3, 1, 2)
    ]
    paths = ["in/1", "in/2", "in/3", "out/1", "out/2", "out/3"]
    text = b"".join(render_fold(history_of(rows), {}, {"dock": ["out/1", "out/2", "out/3"]}, paths))
    after = parse_fold(text)
    assert after.folded["dock"][0].keys == ["out/1", "out/2", "out/3"]
    assert after.versions.paths == paths
    assert list(after.folded["dock"][0].taken) == [0, 1, 2]


# ---------------------------------------------------------------- damage

SAMPLE = history_of(
    [
        {
            "k": "ok",
            "t": f"dock[n={n}]",
            "c": "d0",
            "a": 1,
            "v": [n],
            "w": 1.0 * n,
            "n": "nid1",
            "in": [["proteins/a", 5, 5], {"set": "s1"}],
            "out": [[f"docked/{n}", n, n]],
        }
        for n in range(120)
    ]
    + [{"k": "fail", "t": "dock[n=3]", "c": "d2", "rc": 1}]
)
TEXT = folded(SAMPLE)


@settings(max_examples=150)
@given(st.integers(0, len(TEXT) - 1), st.integers(1, 255))
def test_a_byte_that_is_damaged_anywhere_costs_nothing(at: int, flip: int) -> None:
    hurt = bytearray(TEXT)
    hurt[at] ^= flip
    history = parse_fold(bytes(hurt))
    assert answers(history) == answers(SAMPLE)
    if at < len(TEXT) - 4096 - 64 - 4 * 20:
        assert history.mended


@settings(max_examples=100)
@given(st.integers(0, len(TEXT) - 1))
def test_a_text_that_is_cut_is_told_to_be(cut: int) -> None:
    try:
        history = parse_fold(TEXT[:cut])
    except FoldError as problem:
        assert str(problem)  # noqa: PT017  # cut behind the records, it is as good as whole
    else:
        assert answers(history) == answers(SAMPLE)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 255)), min_size=2, max_size=20))
def test_much_damage_is_mended_or_told_and_never_believed(places: list[tuple[int, int]]) -> None:
    hurt = bytearray(TEXT)
    for at, flip in places:
        hurt[at] ^= flip
    try:
        history = parse_fold(bytes(hurt))
        found = answers(history)
    except FoldError as problem:
        assert str(problem)  # noqa: PT017
    else:
        want = answers(SAMPLE)
        if history.mended and found != want:  # what was measured may be gone: nothing else
            for key, each in found["found"].items():
                assert each[:8] == want["found"][key][:8]
        else:
            assert found == want


def test_a_later_version_is_told_as_such() -> None:
    with pytest.raises(LaterFoldError) as caught:
        parse_fold(b"hpcmake journal 2\nwhatever")
    assert str(caught.value) == "it has version 2 of its form, and this one knows 1"


def test_another_byte_order_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "big" if byteorder == "little" else "little"
    columns: dict[str, Any] = {}

    class Swapped(fold._Columns):
        def __init__(self, raw: memoryview, start: int, head: dict[str, Any]) -> None:
            super().__init__(raw, start, {**head, "order": other})
            columns["swapped"] = self.is_swapped

        def array(self, name: str, kind: str) -> Any:
            made = super().array(name, kind)
            made.byteswap()  # as it would have been written there
            return made

    monkeypatch.setattr(fold, "_Columns", Swapped)
    assert answers(parse_fold(TEXT)) == answers(SAMPLE)
    assert columns == {"swapped": True}


def garbled(change: dict[str, Any]) -> bytes:
    """Return the folded text with other JSON in its last column, every checksum being right."""
    start = TEXT.index(b"\n", len(fold.MAGIC)) + 1
    length = int(TEXT[len(fold.MAGIC) : start].split()[1])
    head = json.loads(TEXT[start : start + length])
    body = TEXT[start + length :]
    sizes = [size for _, size, _ in head["columns"]]
    rest = {**json.loads(body[sum(sizes[:-1]) : sum(sizes)]), **change}
    raw = json.dumps(rest).encode()
    head["columns"][-1] = ("rest", len(raw), crc32(raw))
    top = json.dumps(head).encode()
    chunks = [fold.MAGIC, b"%08x %d\n" % (crc32(top), len(top)), top, body[: sum(sizes[:-1])], raw]
    return b"".join(with_parity(chunks, sum(map(len, chunks))))


@pytest.mark.parametrize(
    "change", [{"others": [5]}, {"others": {"a": 1}}, {"covers": 7}, {"names": None}, {"set names": 3}, {"hashes": [1]}]
)
def test_garbage_with_right_checksums_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(FoldError, match="what it holds is not what it must be"):
        parse_fold(garbled(change))


# ---------------------------------------------------------------- parity by itself


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=20_000), st.data())
def test_any_one_block_can_be_made_again(text: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    chunks = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = b"".join(with_parity(chunks, len(text)))
    assert whole[: len(text)] == text
    assert find_mended(memoryview(whole)) is None
    block = data.draw(st.integers(0, (len(text) - 1) // 4096))
    hurt = bytearray(whole)
    for at in range(block * 4096, min((block + 1) * 4096, len(text)), 7):
        hurt[at] ^= 0x5A
    assert find_mended(memoryview(hurt)) == whole
