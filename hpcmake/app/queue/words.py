"""Jobs of a campaign in words and as values, for people who ask how it stands.

Owns these words.  Knows nothing of how it is found out.
"""

from __future__ import annotations

from hpcmake.app.queue.standing import REFUSED
from hpcmake.jobs.fates import Lost, Over, Queued, Running, ordinal, render_moment
from hpcmake.jobs.policy import WATCH
from hpcmake.journal import FOLDER
from hpcmake.runners.schedulers.jobs import ENDING, HELD, STARTING, SUSPENDED, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.app.queue.standing import Ask, Standing
    from hpcmake.jobs.fates import Fate

WIDTH = 80
_DEPTH = 4
"""Links of a chain of jobs that are told."""
_DOING = {STARTING: "is starting", ENDING: "is ending", SUSPENDED: "is suspended"}
_MOST = 3
"""Parents of a job that are told, and jobs that have ended."""
_WELL = frozenset({"done", "nothing", "claimed", "withdrawn", "stop"})
"""Words for ends of which nothing is to be said."""


def state_word(standing: Standing, key: str) -> str:
    """Return the state of a job in one word, for programs."""
    fate = standing.fates[key]
    if standing.is_gone(key):
        return "gone"
    if isinstance(fate, Running):
        return "running"
    if isinstance(fate, Queued):
        return "waiting" if _waits(standing, key) else "queued"
    return "over" if isinstance(fate, Over) else "lost" if isinstance(fate, Lost) else "unclear"


def job_words(standing: Standing, key: str, *, done: int | None = None, total: int | None = None) -> str:
    """Return the state of a job; `done` of its `total` tasks are known to be."""
    fate = standing.fates[key]
    if standing.is_gone(key):
        return f"gone from the queue as {fate.job}; its end is not told yet"
    if isinstance(fate, Running):
        return _running(standing, key, done, total)
    if isinstance(fate, Queued):
        ids = [standing.readings[each].job or each for each in standing.parents(key)]
        if _waits(standing, key) and ids:
            return f"queued as {fate.job}, waits for {listed(ids)}"
        return (fate.replace(text="") if fate.state is None else fate).words(standing.now)
    return fate.words(standing.now)


def _waits(standing: Standing, key: str) -> bool:
    """Tell whether a job in the queue waits for jobs before it, as far as its scheduler or its intent tells."""
    fate = standing.fates[key]
    if not isinstance(fate, Queued):
        return False
    if fate.state is None:
        return bool(standing.parents(key))
    return fate.state.state == WAITING or (fate.state.state == HELD and bool(fate.state.waits_for))


def until(standing: Standing, key: str) -> float | None:
    """Return when the walltime of a running job ends, in seconds since 1970; None if nobody knows."""
    fate, intent = standing.fates[key], standing.intents.get(key)
    if not isinstance(fate, Running):
        return None
    if fate.left is not None:
        return standing.now + fate.left
    return fate.since + intent.walltime if fate.since and intent is not None and intent.walltime else None


def _running(standing: Standing, key: str, done: int | None, total: int | None) -> str:
    fate, status = standing.fates[key], standing.readings[key].status
    assert isinstance(fate, Running)  # noqa: S101  # the caller asked
    plain = fate.replace(text="") if fate.state is None else fate
    words = [plain.words(standing.now).replace(f" as {fate.job}", "", 1)]
    intent = standing.intents.get(key)
    total = total if total is not None else intent.tasks if intent is not None else 0
    done = done if done is not None else status.done if status is not None else 0
    if total:
        words.append(f"{done} of {total} tasks done")
    if status is not None and not status.is_over:
        words += [
            f"{count} {word}" for count, word in ((status.running, "running"), (status.failed, "failed")) if count
        ]
    end = until(standing, key)
    if end is not None:
        words.append(f"until {render_moment(end, standing.now)}")
    return ", ".join(words)


def job_line(standing: Standing, key: str, *, done: int | None = None, total: int | None = None) -> str:
    """Return a job with all that is told of it at a glance, in lines of at most 80 letters."""
    fate, intent = standing.fates[key], standing.intents.get(key)
    shape = ""
    if intent is not None:
        nodes = "1 node" if intent.nodes == 1 else f"{intent.nodes} nodes"
        what = "the hand-over" if intent.role == WATCH else "1 task" if intent.tasks == 1 else f"{intent.tasks} tasks"
        shape = f", {what} on {nodes}"
    name = f"job {fate.job} ({key})" if fate.job else f"job {key}"
    return wrapped(f"{name}{shape}: {job_words(standing, key, done=done, total=total)}")


def job_row(standing: Standing, key: str) -> dict[str, object]:
    """Return a job as values."""
    fate, intent, status = standing.fates[key], standing.intents.get(key), standing.readings[key].status
    return {
        "key": key,
        "job": fate.job or None,
        "state": state_word(standing, key),
        "words": job_words(standing, key),
        "place": fate.place if isinstance(fate, Queued) else None,
        "since": fate.since if isinstance(fate, Running) else None,
        "until": until(standing, key),
        "parents": [standing.readings[each].job or each for each in standing.parents(key)],
        **(
            {}
            if intent is None
            else {
                "site": intent.site,
                "queue": intent.queue,
                "role": intent.role,
                "nodes": intent.nodes,
                "walltime": intent.walltime,
                "tasks": intent.tasks,
            }
        ),
        **({} if status is None else {"done": status.done, "failed": status.failed, "running": status.running}),
    }


# ---------------------------------------------------------------- chains


def chain_words(standing: Standing, key: str) -> str:
    """Return a job and what it waits for: `job 12346, 3rd in the queue, its parent 12345 runs until 14:05`."""
    return f"job {standing.fates[key].job or key}, {_standing_of(standing, key)}{_behind(standing, key)}"


def _behind(standing: Standing, key: str) -> str:
    words = []
    seen = {key}
    whose = "its"
    for _ in range(_DEPTH):
        parents = [each for each in standing.parents(key) if each not in seen]
        if not parents:
            break
        seen.update(parents)
        words.append(f", {whose} parent{'s' if len(parents) > 1 else ''} {_do(standing, parents)}")
        waiting = [each for each in parents if standing.parents(each)]
        key = (waiting or parents)[0]
        whose = "whose" if len(parents) == 1 else f"{_name(standing, key)}'s"
    return "".join(words)


def _do(standing: Standing, keys: list[str]) -> str:
    """Return the states of jobs as verbs: those that run come first, those that are alike together."""
    by_words: dict[str, list[str]] = {}
    for key in sorted(keys, key=lambda key: not isinstance(standing.fates[key], Running)):
        by_words.setdefault(_does(standing, key), []).append(_name(standing, key))
    groups = list(by_words.items())
    told = [f"{_named(names)} {_plural(words) if len(names) > 1 else words}" for words, names in groups[:_MOST]]
    rest = sum(len(names) for _, names in groups[_MOST:])
    return ", ".join(told) + (f" and {rest} more" if rest else "")


def _name(standing: Standing, key: str) -> str:
    return standing.fates[key].job or key


def _named(names: list[str]) -> str:
    return listed(names if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"])


def _plural(words: str) -> str:
    verb, blank, rest = words.partition(" ")
    return {"is": "are", "runs": "run"}.get(verb, verb) + blank + rest


def _standing_of(standing: Standing, key: str) -> str:
    """Return the state of a job behind its name and a comma."""
    fate = standing.fates[key]
    if isinstance(fate, Running):
        return f"which {_does(standing, key)}"
    if isinstance(fate, Queued):
        return _queued(standing, key)
    return f"of which nobody knows whether it is queued ({fate.text})" if fate.text else fate.words(standing.now)


def _does(standing: Standing, key: str) -> str:
    """Return the state of a job as a verb."""
    fate = standing.fates[key]
    if isinstance(fate, Running):
        end = until(standing, key)
        verb = _DOING.get(fate.state.state, "runs") if fate.state is not None else "runs"
        return f"{verb} until {render_moment(end, standing.now)}" if end is not None and verb == "runs" else verb
    if isinstance(fate, Queued):
        words = _queued(standing, key)
        return words if words.startswith("waits ") else f"is {words}"
    return "may be queued or not"


def _queued(standing: Standing, key: str) -> str:
    fate = standing.fates[key]
    assert isinstance(fate, Queued)  # noqa: S101  # the caller asked
    if fate.place is not None:
        return f"{ordinal(fate.place)} in the queue"
    if _waits(standing, key):
        return "queued"  # what it waits for comes behind
    words = fate.words(standing.now).removeprefix(f"queued as {fate.job}").removeprefix(", ")
    return f"queued, {words}" if words and fate.state is not None else "queued"


# ---------------------------------------------------------------- all of it


def silence_words(asked: Ask) -> str:
    """Return why a scheduler has told nothing, and what is told instead."""
    scheduler = asked.scheduler
    first = (asked.silence.strip().splitlines() or ["no answer"])[0]
    if scheduler is None:
        return f"the queue cannot be asked: {first}; what is told of jobs is what their files say"
    missing = [name for name in scheduler.COMMANDS if _is_missing(name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        first = f"{names} {'is' if len(missing) == 1 else 'are'} not on this machine"
    return f"the queue of {asked.name} cannot be asked: {first}; what is told of jobs is what their files say"


def _is_missing(command: str) -> bool:
    from shutil import which

    return which(command) is None


def ended_badly(standing: Standing) -> list[Fate]:
    """Return the last jobs of this run that have ended with work left, or not well."""
    over: dict[str, Fate] = {**standing.settled_fates(), **standing.fates}
    found = [fate for key, fate in sorted(over.items()) if standing.of_run(key) and _is_bad(fate)]
    return found[-_MOST:]


def _is_bad(fate: Fate) -> bool:
    if isinstance(fate, Over):
        return not fate.is_good and (fate.why not in _WELL or fate.text.startswith(REFUSED))
    return isinstance(fate, Lost)


def ended_line(standing: Standing, fate: Fate) -> str:
    """Return a job that has ended, and where its output is."""
    name = f"job {fate.job} ({fate.key})" if fate.job else f"job {fate.key}"
    if fate.text.startswith(REFUSED):
        return f"{name}: {fate.text}"
    return f"{name}: {fate.words(standing.now)}; its output: `{FOLDER}/jobs/{fate.key}/out`, `err`"


def budget_words(standing: Standing) -> str:
    """Return what the jobs of the campaign were charged, or may be."""
    spent = f"{standing.spent():.3g}"
    budget = standing.charter.budget if standing.charter is not None else None
    of = f" of {budget:.6g}" if budget is not None else ""
    return f"node-hours: {spent}{of} spent or reserved"


def listed(names: Iterable[str]) -> str:
    """Return names in a row."""
    every = list(names)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} and {every[-1]}"


def wrapped(text: str) -> str:
    """Return text in lines of at most 80 letters, of which all but the first are moved in.

    What stands between backquotes stays whole, so that it can be copied.
    """
    import re

    lines = [""]
    for word in re.findall(r"[^\s`]*(?:`[^`]*`[^\s`]*)+|\S+", text):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(f"    {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n".join(lines)
