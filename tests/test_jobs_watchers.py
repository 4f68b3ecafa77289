"""Watchers: a detached campaign outlives any one of its jobs; where it does not, people are told what to type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.jobs.watchers import (
    WATCH,
    Live,
    count_missing,
    enough_independent,
    find_independent,
    needed_watchers,
    render_outlook,
)
from hpcmake.runners.schedulers import cobalt, pbs, slurm
from hpcmake.runners.schedulers.jobs import DEP_FAIL, ENDING, HELD, QUEUED, RUNNING, STARTING, STATES, WAITING

A, B, C = Live("a", state=RUNNING), Live("b"), Live("c", parents=("a",), state=WAITING)


# ---------------------------------------------------------------- who hands over whatever happens


def test_jobs_that_wait_for_nobody_hand_over_whatever_becomes_of_others() -> None:
    assert find_independent([A, B, C]) == ("a", "b")


def test_two_children_of_one_job_are_no_two_chances() -> None:
    """Cobalt never starts a child of a parent that failed."""
    assert not enough_independent([A, C, C.replace(key="d")])


def test_a_child_whose_parent_has_left_the_queue_counts_once_its_scheduler_says_so() -> None:
    assert find_independent([C]) == ()
    assert find_independent([C.replace(state=QUEUED)]) == ("c",)


@pytest.mark.parametrize("state", [HELD, DEP_FAIL, ENDING])
def test_a_job_that_will_not_start_does_not_count(state: str) -> None:
    assert find_independent([B.replace(state=state)]) == ()


def test_a_job_that_can_never_start_does_not_count() -> None:
    assert find_independent([B.replace(stuck=True)]) == ()


def test_who_hands_over_now_does_not_count() -> None:
    assert enough_independent([A, B])
    assert not enough_independent([A, B], leaving=["a"])


def test_nor_does_a_child_of_it_as_long_as_it_is_there() -> None:
    child = Live("d", parents=("a",))
    assert find_independent([A, child], leaving=["a"]) == ()
    assert needed_watchers([A, child], pbs.AFTER, work_left=True, leaving=["a"]) == ()
    assert outlook([A, child], leaving=["a"]) is not None


# ---------------------------------------------------------------- Cobalt: two jobs


def test_cobalt_has_no_watchers() -> None:
    assert needed_watchers([A, B], cobalt.AFTER, work_left=True) == ()


@pytest.mark.parametrize(
    ("live", "places", "missing"),
    [
        ([], None, 2),
        ([A], None, 1),
        ([A, C], None, 1),
        ([A, B], None, 0),
        ([A, B, C], None, 0),
        ([A], 0, 0),
        ([], 1, 1),
    ],
)
def test_so_two_jobs_that_wait_for_nobody_are_kept_in_the_queue(
    live: list[Live], places: int | None, missing: int
) -> None:
    assert count_missing(live, work_left=True, places=places) == missing


def test_at_the_end_of_the_work_nothing_is_missing() -> None:
    assert count_missing([], work_left=False) == 0


# ---------------------------------------------------------------- PBS and Slurm: a watcher a wave


@pytest.mark.parametrize("after", [pbs.AFTER, slurm.AFTER])
def test_a_wave_has_a_watcher_which_does_not_wait_for_children(after: tuple[str, ...]) -> None:
    assert needed_watchers([A, B, C], after, work_left=True) == (("a", "b"),)


@pytest.mark.parametrize("state", [WAITING, QUEUED, STARTING])
def test_one_watcher_is_enough(state: str) -> None:
    watcher = Live("w", parents=("a",), role=WATCH, state=state)
    assert needed_watchers([A, B, watcher], pbs.AFTER, work_left=True) == ()


def test_a_watcher_that_hands_over_submits_the_next_one() -> None:
    watcher = Live("w", parents=("z",), role=WATCH, state=RUNNING)
    assert needed_watchers([A, watcher], pbs.AFTER, work_left=True, leaving=["w"]) == (("a",),)


@pytest.mark.parametrize("lost", [{"state": HELD}, {"state": DEP_FAIL}, {"stuck": True}])
def test_a_watcher_that_cannot_start_is_none(lost: dict[str, str | bool]) -> None:
    watcher = Live("w", parents=("a",), role=WATCH, state=WAITING).replace(**lost)
    assert needed_watchers([A, watcher], pbs.AFTER, work_left=True) == (("a",),)


@pytest.mark.parametrize(
    ("live", "work_left", "places"), [([A], False, None), ([A], True, 0), ([], True, None), ([C], True, None)]
)
def test_no_watcher_without_work_a_place_or_somebody_to_watch(
    live: list[Live], work_left: bool, places: int | None
) -> None:
    assert needed_watchers(live, pbs.AFTER, work_left=work_left, places=places) == ()


# ---------------------------------------------------------------- whatever is in the queue

KEYS = ("a", "b", "c", "d", "e")


@st.composite
def queues(draw: st.DrawFn) -> list[Live]:
    """Jobs of which each waits for some before it; watchers among them."""
    jobs: list[Live] = []
    for key in KEYS[: draw(st.integers(0, len(KEYS)))]:
        parents = tuple(draw(st.sets(st.sampled_from(jobs), max_size=2)) if jobs else ())
        jobs.append(
            Live(
                key,
                parents=tuple(sorted(each.key for each in parents)),
                role=draw(st.sampled_from(["work", WATCH])),
                state=draw(st.sampled_from(STATES)),
                stuck=draw(st.booleans()),
            )
        )
    return jobs


@given(queues())
def test_no_job_that_counts_depends_on_another_one(live: list[Live]) -> None:
    independent = find_independent(live)
    parents = {each.key: set(each.parents) for each in live}
    assert not any(parents[each] for each in independent)


@given(queues(), st.sampled_from(KEYS))
def test_enough_is_enough_whichever_job_is_lost(live: list[Live], lost: str) -> None:
    if enough_independent(live):
        assert find_independent([each for each in live if each.key != lost])


@given(queues())
def test_a_watcher_that_was_added_ends_the_need_of_one(live: list[Live]) -> None:
    for parents in needed_watchers(live, slurm.AFTER, work_left=True):
        assert parents
        watcher = Live("w", parents=parents, role=WATCH, state=WAITING)
        assert needed_watchers([*live, watcher], slurm.AFTER, work_left=True) == ()
        assert outlook([*live, watcher], slurm.AFTER) is None


# ---------------------------------------------------------------- what people are told

STANDING = {"work_left": True, "driver": None, "stopped": False, "command": "hpcmake -j 512 --site theta --detach"}


def outlook(live: list[Live], after: tuple[str, ...] = pbs.AFTER, **changes: object) -> str | None:
    return render_outlook(live, after, **{**STANDING, **changes})  # type: ignore[arg-type]  # as they are given


def test_nothing_is_told_while_somebody_drives_or_no_work_is_left() -> None:
    assert outlook([], driver="pid 77 on login3") is None
    assert outlook([], work_left=False) is None


def test_nothing_is_told_while_any_one_may_be_lost() -> None:
    assert outlook([A, B], cobalt.AFTER) is None
    assert outlook([A, Live("w", parents=("a",), role=WATCH, state=WAITING)]) is None


@pytest.mark.parametrize(
    ("live", "words"),
    [
        ([], "no job of it is in the queue"),
        ([B.replace(state=HELD)], "job b, the only one of it in the queue, is held"),
        ([B.replace(state=HELD), C.replace(state=HELD)], "the 2 jobs of it in the queue are held"),
        ([B.replace(state=DEP_FAIL)], "job b, the only one of it in the queue, cannot start"),
        ([B.replace(state=HELD), C.replace(state=DEP_FAIL)], "the 2 jobs of it in the queue cannot start"),
    ],
)
def test_it_is_told_when_nobody_goes_on(live: list[Live], words: str) -> None:
    assert outlook(live) == (
        f"nobody goes on with it: {words}, and work is left; `hpcmake -j 512 --site theta --detach` goes on"
    )


def test_it_is_told_when_all_hangs_on_one_job() -> None:
    assert outlook([A, C]) == (
        "only job a goes on with it when it ends, and nobody if it is killed: "
        "`hpcmake -j 512 --site theta --detach` adds a watcher"
    )
    assert outlook([A, C], cobalt.AFTER) == (
        "only job a goes on with it when it ends, and nobody if it is killed: "
        "if nothing is queued then, type `hpcmake -j 512 --site theta --detach`"
    )


def test_what_was_stopped_says_so() -> None:
    assert outlook([A], stopped=True) == (
        "it was stopped, and work is left: `hpcmake -j 512 --site theta --detach` goes on"
    )
