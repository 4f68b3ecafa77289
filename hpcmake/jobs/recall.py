"""What is taken back from the queue, in which order, and when nothing more is submitted at all.

Owns these decisions, as functions of values.  Knows nothing of how jobs are cancelled.
"""

from __future__ import annotations

from hpcmake.jobs.fates import CANNOT_START, IDLE, Lost, Over, Queued, Running
from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import DEP_FAIL, HELD, DoNotKnow, order_children_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.papers import Intent, Status
    from hpcmake.runners.schedulers.jobs import Jobs, JobState


class TakeBack(Record):
    """Jobs that are to be deleted, since they will never start or have nothing to do: their work is packed anew.

    `ids` are in the order of deletion, children first; `keys` are theirs, with `reasons`: close these first, so that
    one that starts all the same does no work.  `told` are sentences about these and others that wait for somebody.
    `stuck` are ids that cannot start as things are: such a one is taken back when it is seen so a second time.
    """

    ids: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    stuck: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


def take_back(
    fates: Mapping[str, Fate],
    intents: Mapping[str, Intent],
    jobs: Jobs | DoNotKnow,
    *,
    stuck_before: frozenset[str] = frozenset(),
) -> TakeBack:
    """Return what is to be deleted of the campaign's jobs that wait: those that never start, and what waits for them.

    So are jobs whose key is over: their submission has succeeded late, and others have their work.  What somebody
    holds is told, and not touched.
    """
    if isinstance(jobs, DoNotKnow):
        return TakeBack()
    states = {key: fate.state for key, fate in fates.items() if isinstance(fate, Queued) and fate.state is not None}
    doomed: dict[str, str] = {}
    told: list[str] = []
    for key, state in states.items():
        if state.state == DEP_FAIL:
            doomed[key] = "a job before it did not end well"
            told.append(f"job {state.id} ({key}) will never start, since {doomed[key]}: it is taken back")
        elif state.stuck:
            reason = CANNOT_START + (f": {state.reason}" if state.reason else "")
            again = state.id in stuck_before
            told.append(f"job {state.id} ({key}) {reason}{'; it is taken back' if again else ''}")
            if again:
                doomed[key] = reason
        elif _is_held(key, state, intents):
            reason = f": {state.reason}" if state.reason else ""
            told.append(f"job {state.id} ({key}) is held{reason}; it starts when that hold is released")
    late = [each for each in jobs.values() if _is_late(each, fates)]
    told += [f"job {each.id} ({each.name}) came late, and others have its work: it is taken back" for each in late]
    keys = _with_children(doomed, states, intents)
    order = {states[key].id: _parent_ids(key, states, intents) for key in keys}
    ids = order_to_cancel({**order, **{each.id: () for each in late}})
    reasons = tuple(doomed.get(key, "a job before it was taken back") for key in keys)
    stuck = frozenset(state.id for state in states.values() if state.stuck and state.state != DEP_FAIL)
    return TakeBack(ids, tuple(keys), tuple(told), stuck, reasons)


def _is_late(job: JobState, fates: Mapping[str, Fate]) -> bool:
    """Return whether a job waits whose key is over: it would do no work, and takes a place."""
    fate = fates.get(job.name)
    return isinstance(fate, Over | Lost) and job.in_queue and job.state in IDLE


def _is_held(key: str, state: JobState, intents: Mapping[str, Intent]) -> bool:
    """Return whether somebody holds a job; some tables of PBS show one that waits for its parents just so."""
    intent = intents.get(key)
    has_parents = intent is not None and bool(intent.parents)
    return state.state == HELD and (bool(state.reason) or not (has_parents or state.waits_for))


def _with_children(keys: Iterable[str], waiting: Iterable[str], intents: Mapping[str, Intent]) -> list[str]:
    """Return jobs with all that wait in the queue for them: these would not start either."""
    found = dict.fromkeys(keys)
    grown = True
    while grown:
        more = [key for key in waiting if key not in found and any(each in found for each in _parents(key, intents))]
        found.update(dict.fromkeys(more))
        grown = bool(more)
    return [key for key in waiting if key in found]


def _parents(key: str, intents: Mapping[str, Intent]) -> tuple[str, ...]:
    intent = intents.get(key)
    return intent.parents if intent is not None else ()


def _parent_ids(key: str, among: Mapping[str, JobState], intents: Mapping[str, Intent]) -> tuple[str, ...]:
    return tuple(among[each].id for each in _parents(key, intents) if each in among)


def order_to_cancel(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return ids so that each comes before its parents; what is odd about them cannot keep jobs from being ended."""
    try:
        return order_children_first(parents)
    except ValueError:
        return tuple(reversed(list(parents)))


def order_to_stop(fates: Mapping[str, Fate], intents: Mapping[str, Intent]) -> tuple[str, ...]:
    """Return the ids of all jobs that wait or run, children first: to end the campaign."""
    there = {key: fate.job for key, fate in fates.items() if isinstance(fate, Queued | Running) and fate.job}
    parents = {key: [there[each] for each in _parents(key, intents) if each in there] for key in there}
    return order_to_cancel({there[key]: parents[key] for key in there})


# ---------------------------------------------------------------- when to stop


class Ended(Record):
    """A job that has ended, as far as it tells whether jobs here can work at all.

    `setup` tells what its script sets up, in any form.  `records` counts those of tasks that it has written.  `began`:
    it has claimed its key, or its scheduler tells how it has ended.
    """

    key: str
    fate: Fate
    site: str = ""
    setup: str = ""
    records: int = 0
    role: str = "work"
    began: bool = True


class Poison(Record):
    """Jobs in a row that ended without a record of any task: nothing more is submitted, their output is shown."""

    keys: tuple[str, ...]
    text: str


IN_A_ROW = 2
NEVER_BEGAN = 5
"""So many in a row, if not even their scripts have begun: a scheduler may lose jobs, which says nothing of the site."""
_INNOCENT = frozenset({"nothing", "claimed", "stop", "withdrawn", "deleted", "parent", "term"})


def find_poison(ended: Iterable[Ended]) -> Poison | None:
    """Return whether the last jobs of a site and setup ended without a single task record; `ended` is in their order.

    A job that had nothing to do, or was deleted, says nothing of that.
    """
    rows: dict[tuple[str, str], list[Ended]] = {}
    for each in ended:
        if each.role != "work" or (not each.records and _is_innocent(each.fate)):
            continue
        row = rows.setdefault((each.site, each.setup), [])
        if each.records:
            row.clear()
        else:
            row.append(each)
    for (site, _), row in rows.items():
        began = [each for each in row if each.began]
        last = began[-IN_A_ROW:] if len(began) >= IN_A_ROW else row[-NEVER_BEGAN:]
        if len(began) >= IN_A_ROW or len(row) >= NEVER_BEGAN:
            where = f" on {site}" if site else ""
            names = " and ".join(each.fate.job or each.key for each in last)
            text = f"jobs {names}{where} ended without a record of any task, so nothing more is submitted"
            return Poison(tuple(each.key for each in last), text)
    return None


def _is_innocent(fate: Fate) -> bool:
    return fate.is_living or (isinstance(fate, Over) and fate.why in _INNOCENT)


# ---------------------------------------------------------------- what is spent


def committed(rows: Iterable[tuple[Intent, Fate, Status | None]]) -> float:
    """Return the node-hours that jobs have been charged, or may be: of those that live, all that they may take."""
    return sum(_charged(*row) for row in rows)


def _charged(intent: Intent, fate: Fate, status: Status | None) -> float:
    if isinstance(fate, Over) and (fate.why in {"withdrawn", "parent"} or (fate.why == "deleted" and status is None)):
        return 0.0
    if fate.is_living or status is None:
        return intent.reserved if fate.is_living or fate.job else 0.0
    if status.is_over and 0 < status.began <= status.ended:
        spent = intent.charged * (status.ended - status.began) / 3600
        return min(spent, intent.reserved)
    return intent.reserved
