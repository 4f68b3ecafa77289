"""Faults that a user orders: what goes wrong with an emulated machine, and when.

Owns their notation.  Knows nothing of how they are carried out.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.record import Record
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = {
    "node-dies": "node-dies:NODE@WHEN",
    "node-hangs": "node-hangs:NODE@WHEN",
    "slow-start": "slow-start:TIME",
    "launcher-fails": "launcher-fails:COUNT",
    "lost-output": "lost-output:SHARE",
    "job-dies": "job-dies@WHEN",
    "queue-down": "queue-down:TIME@WHEN",
    "queue-slow": "queue-slow:TIME@WHEN",
    "qsub-refused": "qsub-refused:COUNT@WHEN",
    "qsub-hangs": "qsub-hangs:COUNT@WHEN",
    "qsub-late": "qsub-late:TIME@WHEN",
    "qsub-garbage": "qsub-garbage:COUNT@WHEN",
    "job-stuck": "job-stuck:NUMBER",
    "job-lost": "job-lost:NUMBER@TIME",
    "job-deleted": "job-deleted:NUMBER@TIME",
}
"""What can be ordered, each with its form."""

_MEANT = {
    "node-dies": "all that runs on it ends at once, and nothing starts there any more",
    "node-hangs": "all that runs on it stops, and does not end",
    "slow-start": "each launch takes so much longer",
    "launcher-fails": "so many launches fail",
    "lost-output": "this share of the lines that ranks write is lost, or torn",
    "job-dies": "everything is killed without a warning",
    "queue-down": "the scheduler's server cannot be reached for so long",
    "queue-slow": "each command of the scheduler takes so much longer",
    "qsub-refused": "so many submissions are refused: too many jobs",
    "qsub-hangs": "so many submissions are accepted, and never answered",
    "qsub-late": "a submission is made only so much later, whoever still waits for it",
    "qsub-garbage": "so many submissions are accepted, and answered with rubbish",
    "job-stuck": "the NUMBERth job that is submitted never starts",
    "job-lost": "it vanishes without a trace, TIME after it was submitted",
    "job-deleted": "an operator deletes it, TIME after it got its nodes",
}

_MOMENTS = {"node-dies", "node-hangs", "job-dies"}
"""Faults that happen at one moment."""

OF_QUEUE = tuple(kind for kind in KINDS if kind.startswith(("queue-", "qsub-")) or ":NUMBER" in KINDS[kind])
"""Those of the scheduler, which only a machine with a queue can have."""

_TIMES = {"slow-start", "queue-down", "queue-slow", "qsub-late"}
_COUNTS = {
    "launcher-fails": "launches",
    "qsub-refused": "submissions",
    "qsub-hangs": "submissions",
    "qsub-garbage": "submissions",
}


class Fault(Record):
    """A fault: its kind, of what or how much, and when.

    It happens `after` so many launches (of a queue: submissions), or `at` so many seconds; where it has neither, from
    the beginning on, and `job-dies` at the end of the job's time.
    """

    kind: str
    what: str = ""
    after: int | None = None
    at: float | None = None


def describe_kinds(*, queue: bool) -> list[str]:
    """Return a line for each fault of a machine, with a queue or without: its form, and what it means."""
    return [f"{form:<25}  {_MEANT[kind]}" for kind, form in KINDS.items() if queue or kind not in OF_QUEUE]


def parse_faults(texts: Sequence[str], nodes: Sequence[str], *, queue: bool = True) -> list[Fault]:
    """Return the faults that were ordered for a machine with these nodes, and with a queue or without.

    Raises Trouble with all mistakes.
    """
    faults: list[Fault] = []
    mistakes: list[Diagnostic] = []
    for text in texts:
        try:
            fault = _parse(text, nodes)
            if fault.kind in OF_QUEUE and not queue:
                raise _mistake(text, fault.kind, f"no queue is emulated, and so not `{fault.kind}`", _others())
            faults.append(fault)
        except Trouble as trouble:
            mistakes += trouble.diagnostics
    if mistakes:
        raise Trouble(*mistakes)
    return faults


def _parse(text: str, nodes: Sequence[str]) -> Fault:
    head, at_sign, when = text.partition("@")
    kind, colon, what = head.partition(":")
    if kind not in KINDS:
        raise _mistake(text, kind, f"there is no fault `{kind}`", did_you_mean(kind, KINDS) or _forms())
    form = KINDS[kind]
    if bool(colon) != (":" in form):
        raise _mistake(
            text, text, f"`{text}` does not say of what" if not colon else f"`{kind}` is of nothing", _write(form)
        )
    if kind in {"node-dies", "node-hangs"}:
        if not at_sign:
            raise _mistake(text, text, f"`{text}` does not say when", _write(form))
        what = _node(text, what, nodes)
    elif kind in _TIMES:
        what = str(_seconds(text, what))
    elif kind in _COUNTS or kind in OF_QUEUE:
        if not (what.isascii() and what.isdigit()) or int(what) < 1:
            of = f"a number of {_COUNTS[kind]}" if kind in _COUNTS else "the number of a job, from 1"
            raise _mistake(text, what, f"`{what}` is not {of}", f"write for example {kind}:3")
    elif kind == "lost-output":
        what = _share(text, what)
    if not at_sign:
        return Fault(kind, what)
    word, colon, count = when.partition(":")
    if kind == "job-stuck":
        raise _mistake(text, when, f"`{kind}` has no moment", _write(form))
    if word == "after" and colon and "@TIME" not in form:
        if not (count.isascii() and count.isdigit()) or (int(count) < 1 and kind in _MOMENTS):
            raise _mistake(text, when, f"`{when}` does not say after how many launches", "write for example @after:3")
        return Fault(kind, what, after=int(count))
    return Fault(kind, what, at=_seconds(text, when))


def _node(text: str, word: str, nodes: Sequence[str]) -> str:
    """Return the name of a node: it may be given by that, by its number, or without leading zeros."""
    for name in nodes:
        head = name.rstrip("0123456789")
        if word == name or (word.isdigit() and name[len(head) :].isdigit() and int(name[len(head) :]) == int(word)):
            return name
    shown = ", ".join(nodes[:4]) + (", …" if len(nodes) > 4 else "")  # noqa: PLR2004
    raise _mistake(text, word, f"this machine has no node `{word}`", f"it has {shown}")


def _seconds(text: str, word: str) -> float:
    try:
        return float(word) if word.replace(".", "", 1).isdigit() and word.isascii() else float(parse_duration(word))
    except UnitError as problem:
        raise _mistake(text, word, f"`{word}` is not a time", str(problem)) from None


def _share(text: str, word: str) -> str:
    number = word.removesuffix("%")
    if not (number.isascii() and number.replace(".", "", 1).isdigit()):
        raise _mistake(text, word, f"`{word}` is not a share", "write for example lost-output:0.1 or lost-output:10%")
    share = float(number) / 100 if word.endswith("%") else float(number)
    if not 0 < share <= 1:
        raise _mistake(
            text, word, f"a share is more than 0 and at most 1, not {word}", "write for example lost-output:0.1"
        )
    return str(share)


def _write(form: str) -> str:
    if "@WHEN" not in form:
        return f"write {form}; the first job that is submitted has the number 1"
    return f"write {form}; WHEN is a time since the start, such as 30s, or after:N launches"


def _others() -> str:
    return "there are " + ", ".join(form for kind, form in KINDS.items() if kind not in OF_QUEUE)


def _forms() -> str:
    return "there are " + ", ".join(KINDS.values())


def _mistake(text: str, word: str, message: str, help_: str) -> Trouble:
    start = max(0, text.find(word))
    span = Span(Source("--fault", text), start, start + max(1, len(word)))
    return Trouble(Diagnostic("E830", message, span, help=help_))
