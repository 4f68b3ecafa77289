"""The policy of the queue: what goes out, what waits and why, and what is taken back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.jobs.fates import Fate, Lost, Over, Queued, Running, Unclear, Waiting
from hpcmake.jobs.papers import OVER, Intent, Status
from hpcmake.jobs.policy import WATCH, Decision, Go, Outlook, Planned, Wait, decide
from hpcmake.jobs.recall import Ended, Poison, TakeBack, committed, find_poison, order_to_stop, take_back
from hpcmake.runners.schedulers.jobs import DEP_FAIL, ENDING, HELD, QUEUED, RUNNING, WAITING, DoNotKnow, JobState
from hpcmake.site import Limit, Queue, Site


def key(number: int) -> str:
    return f"hm0a1b2-{number:04}-x7"


def queue(name: str = "default", *limits: Limit) -> Queue:
    return Queue(name, None, (1, 4000), ((1, 86400.0),), limits=limits)


THETA = Site(
    "theta", "cobalt", "aprun", queues=(queue("default", Limit("queued", 3), Limit("running", 1)), queue("debug"))
)


def job(number: int, state: str = QUEUED, name: str = "", **more: Any) -> JobState:
    more = {"queue": "default", "nodes": 128, "walltime": 3600.0, **more}
    return JobState(str(number), name or key(number), state, **more)


def shown(*jobs: JobState) -> dict[str, JobState]:
    return {each.id: each for each in jobs}


def planned(number: int, *parents: int, **more: Any) -> Planned:
    more = {"queue": "default", "nodes": 128, "charged": 128, "walltime": 3600.0, **more}
    return Planned(key(number), parents=tuple(map(key, parents)), **more)


def queued(number: int, state: str = QUEUED, **more: Any) -> Queued:
    return Queued(key(number), str(number), state=job(number, state, **more))


def outlook(fates: list[Fate] | None = None, *strangers: JobState, site: Site = THETA, **more: Any) -> Outlook:
    every = {each.key: each for each in fates or []}
    states = [each.state for each in every.values() if isinstance(each, Queued | Running) and each.state is not None]
    intents = {each: Intent(each, queue="default", nodes=128, walltime=3600.0) for each in every}
    return Outlook(site, every, intents, shown(*states, *strangers), **more)


# ---------------------------------------------------------------- places


def test_jobs_go_out_while_places_are_free_and_strangers_take_places_too() -> None:
    decision = decide([planned(1), planned(2), planned(3)], outlook(None, job(77, name="somebody's")))
    assert decision == Decision((Go(key(1)), Go(key(2))), (Wait(key(3), "limit", "place: 3 of 3 in queue default"),))


def test_every_job_of_the_user_takes_a_place_held_and_failed_ones_too() -> None:
    """Cobalt facts 1.12 and 9.3: they all count for MaxQueued."""
    fates: list[Fate] = [queued(7, HELD), queued(8, DEP_FAIL), Running(key(9), "9", state=job(9, RUNNING))]
    assert decide([planned(1)], outlook(fates)).wait == (Wait(key(1), "limit", "place: 3 of 3 in queue default"),)


def test_jobs_in_other_queues_take_no_place_in_this_one() -> None:
    strangers = [job(number, name="other", queue="debug") for number in (71, 72, 73)]
    assert decide([planned(1)], outlook(None, *strangers)).go == (Go(key(1)),)


def test_one_of_ours_takes_a_place_in_the_queue_that_it_was_put_into_wherever_it_was_routed() -> None:
    fates: list[Fate] = [queued(number, queue="small") for number in (7, 8, 9)]
    assert decide([planned(1)], outlook(fates)).go == ()


def test_a_job_of_which_nobody_knows_whether_it_is_queued_takes_a_place() -> None:
    fates: list[Fate] = [Unclear(key(7)), Unclear(key(8)), Queued(key(9), "9")]
    assert decide([planned(1)], outlook(fates)).go == ()


def test_a_job_that_was_refused_for_now_takes_no_place_from_itself() -> None:
    site = THETA.replace(queues=(queue("default", Limit("queued", 1)),))
    assert decide([planned(1)], outlook([Unclear(key(1))], site=site)).go == (Go(key(1)),)


def test_what_has_ended_takes_no_place() -> None:
    fates: list[Fate] = [Over(key(7), "7", exit=0), Lost(key(8), "8"), Waiting(key(9))]
    assert decide([planned(1)], outlook(fates)).go == (Go(key(1)),)


def test_a_limit_of_the_site_counts_jobs_of_all_its_queues() -> None:
    site = Site("s", "slurm", "srun", queues=(queue(),), limits=(Limit("queued", 2),))
    stranger = job(77, name="x", queue="elsewhere")
    assert decide([planned(1), planned(2)], outlook(None, stranger, site=site)) == Decision(
        (Go(key(1)),), (Wait(key(2), "limit", "place: 2 of 2 on s"),)
    )


def test_a_limit_of_node_hours_counts_what_all_jobs_ask_for() -> None:
    """Cooley: 1320 node-hours, queued and running."""
    site = Site("cooley", "cobalt", "aprun", queues=(queue("default", Limit("node-hours", 300)),))
    decision = decide([planned(1), planned(2), planned(3, nodes=40)], outlook(None, job(77, name="x"), site=site))
    assert decision == Decision(
        (Go(key(1)), Go(key(3))),
        (Wait(key(2), "limit", "node-hours: 256 of 300 in queue default, and it asks for 128"),),
    )


def test_max_queued_bounds_the_jobs_of_this_campaign() -> None:
    decision = decide([planned(1)], outlook([queued(7)], job(77, name="x"), max_queued=1))
    assert decision.wait == (Wait(key(1), "limit", "place: 1 of 1 of this campaign in the queue (--max-queued)"),)
    assert decide([planned(1)], outlook(None, job(77, name="x"), max_queued=1)).go == (Go(key(1)),)


def test_nothing_goes_out_while_the_queue_cannot_be_seen() -> None:
    look = outlook().replace(jobs=DoNotKnow("server down"))
    assert decide([planned(1)], look).wait == (Wait(key(1), "queue", "the queue cannot be seen: server down"),)


# ---------------------------------------------------------------- budget


def test_no_job_goes_out_that_could_pass_the_budget_and_a_smaller_one_may() -> None:
    jobs = [planned(1), planned(2), planned(3, charged=10)]
    decision = decide(jobs, outlook(budget_left=140.0))
    assert decision == Decision(
        (Go(key(1)), Go(key(3))),
        (Wait(key(2), "budget", "budget: it may take 128 node-hours, and 12 are left"),),
    )
    assert decision.over_budget


def test_a_budget_that_is_just_enough_is_enough() -> None:
    assert decide([planned(1)], outlook(budget_left=128.0)).go == (Go(key(1)),)


# ---------------------------------------------------------------- parents


def test_a_chain_goes_out_at_once_parents_first() -> None:
    """Cobalt fact 9.1: while the first one is surely still in the queue."""
    decision = decide([planned(3, 2), planned(2, 1), planned(1)], outlook())
    assert decision.go == (Go(key(1)), Go(key(2), (key(1),)), Go(key(3), (key(2),)))


def test_a_parent_that_is_over_and_good_is_not_named() -> None:
    """Cobalt facts 1.1 and 9.1: a parent that is gone would keep its child for ever."""
    good = Over(key(1), "1", exit=0, told=True)
    assert decide([planned(2, 1)], outlook([good])).go == (Go(key(2)),)


def test_a_parent_is_named_that_is_in_the_queue_at_this_moment() -> None:
    fates: list[Fate] = [Running(key(1), "1", state=job(1, RUNNING))]
    assert decide([planned(2, 1)], outlook(fates)).go == (Go(key(2), (key(1),)),)


@pytest.mark.parametrize(
    ("parent", "why"),
    [
        (None, "is not known"),
        (Unclear(key(1)), "may be queued or not"),
        (Waiting(key(1)), "is not in the queue"),
        (Lost(key(1), "1"), "is not in the queue"),
        (Over(key(1), "1", exit=1, told=True), "has not ended well"),
        (Over(key(1), "1", exit=0, why="exit"), "has not ended well"),
        (Queued(key(1), "1"), "is not seen in the queue"),
        (Running(key(1), "1", "gone from the queue; its end is not told yet"), "is not seen in the queue"),
        (queued(1, DEP_FAIL), "will never start"),
        (Running(key(1), "1", state=job(1, ENDING)), "is about to end"),
    ],
)
def test_a_child_waits_while_its_parent_is_neither_good_nor_surely_queued(parent: Fate | None, why: str) -> None:
    decision = decide([planned(2, 1)], outlook([parent] if parent is not None else []))
    assert decision == Decision((), (Wait(key(2), "parent", f"parent {key(1)} {why}"),))


def test_a_child_waits_with_its_parent_and_says_what_that_waits_for() -> None:
    fates: list[Fate] = [queued(7), queued(8), queued(9)]
    decision = decide([planned(1), planned(2, 1)], outlook(fates))
    assert [each.why for each in decision.wait] == [
        "place: 3 of 3 in queue default",
        f"parent {key(1)} waits: place: 3 of 3 in queue default",
    ]


def test_in_a_queue_of_one_place_no_chain_can_stand() -> None:
    site = Site("polaris", "pbs", "mpiexec", queues=(queue("debug-scaling", Limit("queued", 1)),))
    parent, child = planned(1, queue="debug-scaling"), planned(2, 1, queue="debug-scaling")
    first = decide([parent, child], outlook(site=site, after=("ok", "any")))
    assert first == Decision((Go(key(1)),), (Wait(key(2), "limit", "place: 1 of 1 in queue debug-scaling"),))
    good = outlook([Over(key(1), "1", exit=0, told=True)], site=site)
    assert decide([child], good).go == (Go(key(2)),)


def test_a_watcher_waits_for_any_end_where_the_scheduler_has_that() -> None:
    watcher = planned(2, 1, role=WATCH, nodes=1, charged=1)
    running: list[Fate] = [Running(key(1), "1", state=job(1, RUNNING))]
    assert decide([watcher], outlook(running, after=("ok", "any"))).go == (Go(key(2), (key(1),), "any"),)
    failed: list[Fate] = [Over(key(1), "1", exit=1, told=True)]
    assert decide([watcher], outlook(failed, after=("ok", "any"))).go == (Go(key(2), (), "any"),)
    assert decide([watcher], outlook(running)).go == (Go(key(2), (key(1),), "ok"),)


def test_jobs_that_wait_for_one_another_wait() -> None:
    decision = decide([planned(1, 2), planned(2, 1)], outlook())
    assert {each.key for each in decision.wait} == {key(1), key(2)}


FATES = st.sampled_from(["none", "good", "bad", "lost", "unclear", "queued", "dep_fail", "running", "ending", "unseen"])


def some_fate(number: int, kind: str) -> Fate | None:
    return {
        "none": None,
        "good": Over(key(number), str(number), exit=0, told=True),
        "bad": Over(key(number), str(number), exit=1, told=True),
        "lost": Lost(key(number), str(number)),
        "unclear": Unclear(key(number)),
        "queued": queued(number),
        "dep_fail": queued(number, DEP_FAIL),
        "running": Running(key(number), str(number), state=job(number, RUNNING)),
        "ending": Running(key(number), str(number), state=job(number, ENDING)),
        "unseen": Queued(key(number), str(number)),
    }[kind]


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Planned], Outlook]:
    old = [fate for number in range(1, 5) if (fate := some_fate(number, draw(FATES))) is not None]
    jobs = []
    for number in range(10, 10 + draw(st.integers(0, 6))):
        parents = draw(st.lists(st.sampled_from([1, 2, 3, 4, *range(10, 16)]), max_size=3, unique=True))
        nodes = draw(st.integers(1, 200))
        jobs.append(
            planned(number, *(each for each in parents if each != number), nodes=nodes, charged=max(nodes, 128))
        )
    site = THETA.replace(
        queues=(
            queue("default", Limit("queued", draw(st.integers(0, 8))), Limit("node-hours", draw(st.integers(0, 900)))),
        )
    )
    strangers = [job(900 + number, name="x") for number in range(draw(st.integers(0, 3)))]
    look = outlook(
        old,
        *strangers,
        site=site,
        max_queued=draw(st.none() | st.integers(0, 6)),
        budget_left=draw(st.none() | st.floats(0, 1000)),
    )
    return jobs, look


@given(situations())
def test_no_decision_breaks_a_limit_a_budget_or_the_order_of_parents(situation: tuple[list[Planned], Outlook]) -> None:
    jobs, look = situation
    decision = decide(jobs, look)
    every = {each.key: each for each in jobs}
    going = [each.key for each in decision.go]
    assert sorted(going + [each.key for each in decision.wait]) == sorted(every)
    assert isinstance(look.jobs, dict)
    there = [each for each in look.jobs.values() if each.in_queue]
    places, node_hours = look.site.queues[0].limits
    if going:
        assert len(there) + len(going) <= places.most
        asked = sum((each.nodes or 0) * (each.walltime or 0) / 3600 for each in there)
        assert asked + sum(every[each].nodes for each in going) <= node_hours.most
        ours = [each for each in there if each.name in look.fates]
        assert look.max_queued is None or len(ours) + len(going) <= look.max_queued
        assert look.budget_left is None or sum(every[each].reserved for each in going) <= look.budget_left + 1e-6
    for at, each in enumerate(decision.go):
        for parent in every[each.key].parents:
            fate = look.fates.get(parent)
            if parent in each.parents:
                named_before = parent in going[:at]
                assert named_before or (isinstance(fate, Queued | Running) and fate.job in look.jobs)
            else:
                assert fate is not None
                assert fate.is_good
    assert all(each.why and not each.why.endswith(".") for each in decision.wait)


# ---------------------------------------------------------------- taking back


def family(**parents: tuple[str, ...]) -> dict[str, Intent]:
    return {each: Intent(each, parents=names) for each, names in parents.items()}


def named(name: str, number: int, state: str, **more: Any) -> Queued:
    return Queued(name, str(number), state=JobState(str(number), name, state, **more))


def test_what_will_never_start_is_deleted_with_its_children_the_last_first() -> None:
    """Cobalt facts 1.2 and 1.3: it takes a place for ever, and a grandchild stays `dep_hold` as long as it is there.

    Cobalt fact 9.4: descendants are deleted last first.
    """
    fates: dict[str, Fate] = {
        "b": named("b", 2, DEP_FAIL),
        "c": named("c", 3, WAITING),
        "d": named("d", 4, WAITING),
        "z": named("z", 9, QUEUED),
    }
    intents = family(b=("a",), c=("b",), d=("c",), z=())
    told = "job 2 (b) will never start, since a job before it did not end well: it is taken back"
    reasons = ("a job before it did not end well", *["a job before it was taken back"] * 2)
    assert take_back(fates, intents, {}) == TakeBack(("4", "3", "2"), ("b", "c", "d"), (told,), reasons=reasons)


def test_what_somebody_holds_is_told_and_not_touched() -> None:
    """Cobalt fact 1.4: released, it starts; if it missed the end of a parent meanwhile, it is in `dep_fail` then."""
    fates: dict[str, Fate] = {"b": named("b", 2, HELD, reason="admin_hold")}
    told = "job 2 (b) is held: admin_hold; it starts when that hold is released"
    assert take_back(fates, family(b=()), {}) == TakeBack((), (), (told,))


def test_a_child_that_a_table_of_pbs_shows_as_held_waits_for_its_parents() -> None:
    fates: dict[str, Fate] = {"b": named("b", 2, HELD)}
    assert take_back(fates, family(b=("a",)), {}) == TakeBack()


def test_what_cannot_start_is_taken_back_when_it_is_seen_so_again() -> None:
    reason = "Can Never Run: Not enough total nodes available"
    fates: dict[str, Fate] = {"b": named("b", 2, QUEUED, reason=reason, stuck=True)}
    first = take_back(fates, family(b=()), {})
    assert first == TakeBack(told=(f"job 2 (b) cannot start: {reason}",), stuck=frozenset({"2"}))
    again = take_back(fates, family(b=()), {}, stuck_before=first.stuck)
    assert (again.ids, again.told) == (("2",), (f"job 2 (b) cannot start: {reason}; it is taken back",))
    assert again.reasons == (f"cannot start: {reason}",)


def test_a_job_that_came_late_whose_work_others_have_is_taken_back() -> None:
    fates: dict[str, Fate] = {"b": Over("b", why="withdrawn"), "c": Over("c", "3", exit=0, told=True)}
    jobs = shown(JobState("2", "b", QUEUED), JobState("3", "c", ENDING), JobState("9", "x", QUEUED))
    told = "job 2 (b) came late, and others have its work: it is taken back"
    assert take_back(fates, {}, jobs) == TakeBack(("2",), (), (told,))


def test_nothing_is_taken_back_on_an_answer_that_was_not_understood() -> None:
    assert take_back({"b": named("b", 2, DEP_FAIL)}, {}, DoNotKnow("server down")) == TakeBack()


def test_to_stop_a_campaign_children_are_deleted_first() -> None:
    """Cobalt fact 9.4: else the end of a parent would leave them in the queue."""
    fates: dict[str, Fate] = {
        "a": Running("a", "1"),
        "b": named("b", 2, WAITING),
        "c": named("c", 3, WAITING),
        "o": Over("o", "0", exit=0),
        "u": Unclear("u"),
    }
    assert order_to_stop(fates, family(a=("o",), b=("a",), c=("a", "b"), o=(), u=())) == ("3", "2", "1")
    assert order_to_stop(fates, family(a=("b",), b=("a",), c=())) == ("3", "2", "1")


# ---------------------------------------------------------------- when to stop


def ended(number: int, records: int = 0, why: str = "setup", **more: Any) -> Ended:
    return Ended(
        key(number), Over(key(number), str(number), exit=3, why=why, told=True), "theta", records=records, **more
    )


def test_two_jobs_in_a_row_without_a_record_stop_the_campaign() -> None:
    text = "jobs 1 and 2 on theta ended without a record of any task, so nothing more is submitted"
    assert find_poison([ended(1), ended(2)]) == Poison((key(1), key(2)), text)
    assert find_poison([ended(0, 5), ended(1), ended(2)]) == Poison((key(1), key(2)), text)


def test_one_such_job_or_two_with_a_good_one_between_do_not() -> None:
    assert find_poison([]) is None
    assert find_poison([ended(1)]) is None
    assert find_poison([ended(1), ended(2, 7), ended(3)]) is None


def test_jobs_of_another_setup_are_another_row() -> None:
    assert find_poison([ended(1), ended(2, setup="module load")]) is None


def test_jobs_that_could_not_start_count_too() -> None:
    """Such a job is packed anew, and so would be the next one."""
    assert find_poison([ended(1, why="start"), ended(2, why="start")]) is not None


@pytest.mark.parametrize("why", ["nothing", "claimed", "stop", "deleted", "parent", "withdrawn", "term"])
def test_a_job_that_had_nothing_to_do_or_was_taken_back_says_nothing(why: str) -> None:
    assert find_poison([ended(1), ended(2, why=why), ended(3, why=why)]) is None


def test_a_job_that_is_lost_without_a_record_counts() -> None:
    lost = Ended(key(2), Lost(key(2), "2"), "theta")
    assert find_poison([ended(1), lost]) is not None


# ---------------------------------------------------------------- what is spent


def test_jobs_that_live_are_counted_with_all_they_may_take_and_others_with_what_they_took() -> None:
    intent = Intent(key(1), charged=100, walltime=36000.0)
    over = Over(key(1), "1", exit=0, told=True)
    ran = Status(key(1), OVER, exit=0, began=1000.0, ended=4600.0)
    assert committed([(intent, queued(1), None)]) == 1000
    assert committed([(intent, Unclear(key(1)), None)]) == 1000
    assert committed([(intent, over, ran)]) == 100
    assert committed([(intent, over, ran.replace(ended=1e9))]) == 1000
    assert committed([(intent, Lost(key(1), "1"), None)]) == 1000
    assert committed([(intent, Over(key(1), why="withdrawn"), None)]) == 0
    assert committed([(intent, Waiting(key(1)), None)]) == 0
    assert committed([]) == 0
