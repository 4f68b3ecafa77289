"""The planner agrees with the obvious one on random campaigns, and with itself whatever way it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from campaigns import Campaign, names_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Reference, Spec, specs

from hpcmake.planner import bulk
from hpcmake.planner.fold import parse_fold, render_fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.tasks.history import History

FILES = ("s/1", "s/2", "s/3", "cfg")

RUN = st.tuples(st.just("run"), st.sets(st.integers(0, 4), max_size=2))
FOLD = st.tuples(st.just("fold"), st.randoms(use_true_random=False))
EDIT = st.one_of(
    st.tuples(st.just("touch"), st.integers(0, 30)),
    st.tuples(st.just("remove"), st.integers(0, 30)),
    st.tuples(st.just("level"), st.integers(1, 3)),
    st.tuples(st.just("fail"), st.integers(0, 20)),
    st.tuples(st.just("cut"), st.integers(0, 20)),
    st.tuples(st.just("run some"), st.integers(1, 4)),
)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Return steps: runs, each followed by edits, with a fold of the history here and there."""
    steps: list[tuple[str, object]] = []
    for _ in range(draw(st.integers(1, 2))):
        steps.append(draw(RUN))
        if draw(st.booleans()):
            steps.append(draw(FOLD))
        steps += draw(st.lists(EDIT, min_size=1, max_size=3))
    return steps


class Pair:
    """A campaign, and the obvious planner beside it."""

    def __init__(self, spec: Spec) -> None:
        self.campaign = Campaign(spec.wfile(), FILES)
        self.reference = Reference(spec, self.campaign.tree)

    def real(self, **choices: Any) -> dict[str, str]:
        """Return what the real planner finds stale: the kind of reason by task."""
        plan = self.campaign.plan(**choices)
        found = {}
        for table, row in plan.stale_in_order():
            reason = plan.judge.explain(table, row)
            assert reason is not None
            found[table.name(row)] = reason.kind
        return found

    def check(self) -> None:
        assert self.real() == self.reference.plan()

    def do(self, step: tuple[str, Any]) -> None:
        what, argument = step
        if what in {"run", "run some"}:
            self.run(argument if what == "run" else set(), argument if what == "run some" else 1000)
        elif what in {"touch", "remove"}:
            files = sorted(path for path in self.campaign.tree.files if what == "touch" or path[0] in "rq")
            if files:
                getattr(self.campaign.tree, what)(files[argument % len(files)])
        elif what == "level":
            self.reference.spec = self.reference.spec._replace(level=argument)
            self.campaign.wfile = self.reference.spec.wfile()
        elif what == "fold":
            self.campaign.history = folded(self.campaign, argument)
        else:
            self.mark(what, argument)

    def run(self, fail: set[int], most: int) -> None:
        """Run one task after the other; those of these numbers fail."""
        tried: set[str] = set()
        for number in range(most):
            self.reference.plan()
            plan = self.campaign.plan()
            found = next(
                (
                    (table, row)
                    for table, row in plan.stale_in_order()
                    if table.name(row) not in tried and self.campaign._can_run(plan, table, row)
                ),
                None,
            )
            if found is None:
                return
            name = found[0].name(found[1])
            key, command, stamps = self.reference.before(name)
            if number in fail:
                tried.add(name)
                optional = key not in self.reference.required
                plain: list[tuple[str, object]] = [
                    (path, self.campaign.tree._stamp(path)) for path, _ in self.reference.taken(key)
                ]
                self.campaign.fail(plan, *found)
                self.reference.other[key] = ("gave up" if optional else "fail", command, plain)
            else:
                self.campaign.succeed(plan, *found)
                self.reference.done[key] = (command, stamps)
                self.reference.other.pop(key, None)

    def mark(self, what: str, number: int) -> None:
        """Record that a task failed, or was cut off."""
        self.reference.plan()
        keys = sorted(self.reference.tasks)
        if not keys:
            return
        key = keys[number % len(keys)]
        name = self.reference.name(key)
        if what == "cut":
            self.campaign.take({"k": "cut", "t": name, "why": "stop"})
            self.reference.other[key] = ("cut", "", [])
        else:
            self.campaign.take({"k": "fail", "t": name, "a": 1, "rc": 1, "why": "exit"})
            self.reference.other[key] = ("fail", "", [])


def folded(campaign: Campaign, random: Any) -> History:
    """Return the history of a campaign, folded and read again, its rows in another order."""
    history = campaign.history
    order: dict[str, list[str]] = {}
    for rule in history.rules():
        keys = [past.ledger.keys[past.row] for past in history.all_of(rule)]
        random.shuffle(keys)
        order[rule] = keys[: random.randrange(len(keys) + 1)]
    paths = [path for path in campaign.tree.files if random.random() < 0.8]
    return parse_fold(b"".join(render_fold(history, {}, order, paths)))


def story(data: st.DataObject) -> Iterator[Pair]:
    """Yield a random campaign at the start, and after each of some steps."""
    pair = Pair(data.draw(specs()))
    yield pair
    for step in data.draw(stories()):
        pair.do(step)
        yield pair


@settings(max_examples=50)
@given(st.data())
def test_the_plan_is_that_of_the_obvious_planner(data: st.DataObject) -> None:
    for pair in story(data):
        pair.check()


@settings(max_examples=15)
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_of_rules_in_the_file_changes_nothing(data: st.DataObject, random: Any) -> None:
    for pair in story(data):
        spec = pair.reference.spec
        order = list(range(len(spec.rules)))
        random.shuffle(order)
        before = pair.real()
        pair.campaign.wfile = spec.wfile(tuple(order))
        assert pair.real() == before
        pair.campaign.wfile = spec.wfile()


@settings(max_examples=15)
@given(st.data())
def test_what_an_earlier_run_left_changes_no_tasks(data: st.DataObject) -> None:
    pair = Pair(data.draw(specs()))
    before = names_of(pair.campaign.plan())
    for step in data.draw(stories()):
        pair.do(step)
        assert names_of(pair.campaign.plan()) == before
    for path in ("r0/1", "r1/2_9", "r2/all", "q0/3", "r0/left", "other/file"):
        pair.campaign.tree.write(path)
    assert names_of(pair.campaign.plan()) == before


@settings(max_examples=25)
@given(st.data())
def test_columns_judge_as_rows_do(data: st.DataObject) -> None:
    for pair in story(data):
        found = []
        for few in (0, 10**9):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bulk, "_FEW", few)
                found.append(pair.real())
        assert found[0] == found[1]


@settings(max_examples=25)
@given(st.data(), st.randoms(use_true_random=False))
def test_a_folded_history_judges_as_one_that_is_not(data: st.DataObject, random: Any) -> None:
    for pair in story(data):
        before = pair.real()
        kept, pair.campaign.history = pair.campaign.history, folded(pair.campaign, random)
        for few in (0, 10**9):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(bulk, "_FEW", few)
                assert pair.real() == before
        pair.campaign.history = kept


@settings(max_examples=15)
@given(st.data())
def test_after_a_successful_run_the_plan_is_empty(data: st.DataObject) -> None:
    for pair in story(data):
        pair.run(set(), 1000)
        assert pair.real() == {}


def without_order(spec: Spec) -> Spec:
    """Return a campaign in which every input counts."""
    rules = (rule._replace(items=tuple(item._replace(order=False) for item in rule.items)) for rule in spec.rules)
    return spec._replace(rules=tuple(rules))


@settings(max_examples=15)
@given(st.data())
def test_running_after_any_edit_gives_the_bytes_of_building_from_nothing(data: st.DataObject) -> None:
    # what is only waited for may have any content
    pair = Pair(data.draw(specs().map(without_order)))

    def content(task: str, path: str, inputs: str) -> str:
        level = pair.reference.spec.level
        return f"{task} {path} {level if '{level}' in pair.reference.command_of(task) else ''} {crc32(inputs.encode())}"

    pair.campaign.content = content
    for step in data.draw(stories()):
        what, argument = step
        if what == "touch":
            files = sorted(path for path in pair.campaign.tree.files if path[0] in "sc")
            pair.campaign.tree.write(files[argument % len(files)], f"edited {argument}")
        elif what != "cut":
            pair.do((what, set() if what == "run" else argument))
    pair.run(set(), 1000)
    anew = Pair(pair.reference.spec)
    anew.campaign.content = content
    for path in FILES:
        anew.campaign.tree.write(path, pair.campaign.tree.text(path))
    anew.run(set(), 1000)
    made = [path for path in anew.campaign.tree.files if path[0] in "rq"]
    assert {path: pair.campaign.tree.text(path) for path in made} == {
        path: anew.campaign.tree.text(path) for path in made
    }
