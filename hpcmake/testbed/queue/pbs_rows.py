"""What qstat prints: the tables of jobs and of queues, the long form as text and as JSON.

Owns these forms, letter by letter as OpenPBS 23.06 prints them.  Knows nothing of where the values come from.

Attributes are texts by name, those that have parts (`Resource_List`) are tables of texts, in the order of printing.
"""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Attributes = Mapping[str, "str | Mapping[str, str]"]

HEAD = """\
Job id            Name             User              Time Use S Queue
----------------  ---------------- ----------------  -------- - -----
"""

_NARROW = """\
                                                            Req'd  Req'd   Elap
Job ID          Username Queue    Jobname    SessID NDS TSK Memory Time  S Time
--------------- -------- -------- ---------- ------ --- --- ------ ----- - -----
"""

_WIDE = """\
                                                                                                   Req'd  Req'd   Elap
Job ID                         Username        Queue           Jobname         SessID   NDS  TSK   Memory Time  S Time
------------------------------ --------------- --------------- --------------- -------- ---- ----- ------ ----- - -----
"""

_QUEUES = """\
Queue              Max   Tot Ena Str   Que   Run   Hld   Wat   Trn   Ext Type
---------------- ----- ----- --- --- ----- ----- ----- ----- ----- ----- ----
"""

_NONE = " -- "
_LINE = 78  # letters that fit
_SHORT, _LONG = 70, 110  # letters of a comment that are shown where its table is narrow, or wide
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_COUNTS = ("Queued", "Running", "Held", "Waiting", "Transit", "Exiting")


def _text(attributes: Attributes, name: str, part: str = "") -> str:
    value = attributes.get(name, "")
    if isinstance(value, str):
        return "" if part else value
    return value.get(part, "")


def _cut(text: str, width: int) -> str:
    """Return a text that fits; one that was cut ends in `*`."""
    return text if len(text) <= width else text[: width - 1] + "*"


def short_id(job: str) -> str:
    """Return an id with no more of its server than the first name.

    >>> short_id("349726.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov")
    '349726.polaris-pbs-01'
    """
    return ".".join(job.split(".")[:2])


# ---------------------------------------------------------------- tables


def render_table(jobs: Iterable[tuple[str, Attributes]]) -> str:
    """Return the table of a plain qstat; nothing where there is no job."""
    rows = [
        f"{_cut(short_id(job), 17):<17} {_cut(_text(each, 'Job_Name'), 16):<16} {_user(each)[:16]:<16}"
        f"  {_spent(each):>8} {_text(each, 'job_state'):>1} {_queue(each)[:16]:<16}\n"
        for job, each in jobs
    ]
    return HEAD + "".join(rows) if rows else ""


def render_alternative(
    server: str,
    jobs: Iterable[tuple[str, Attributes]],
    *,
    wide: bool,
    comments: bool = False,
    nodes: bool = False,
    one_line: bool = False,
) -> str:
    """Return the table of `qstat -a` and its kin: `comments` are those of `-s`, `nodes` those of `-n`."""
    rows: list[str] = []
    for job, each in jobs:
        row = (_wide_row if wide else _narrow_row)(job, each)
        rows.append(row + (" " if one_line else "\n"))
        if nodes:
            rows.append(("{}\n" if one_line else "   {}\n").format(_text(each, "exec_host") or _NONE))
        if comments:
            rows.append(f"   {_shown_comment(each, _LONG if wide else _SHORT)}\n")
        elif one_line and not nodes:
            rows.append("\n")
    return f"\n{server}: \n{_WIDE if wide else _NARROW}{''.join(rows)}" if rows else ""


def _narrow_row(job: str, each: Attributes) -> str:
    return (
        f"{_cut(job, 15):<15} {_cut(_user(each), 8):<8} {_cut(_queue(each), 8):<8}"
        f" {_cut(_text(each, 'Job_Name'), 10):<10} {_number(each, 'session_id'):>6.6}"
        f" {_count(each, 'nodect', 3):>3} {_count(each, 'ncpus', 3):>3} {_asked(each, 'mem'):>6.6}"
        f" {_asked(each, 'walltime'):>5.5} {_text(each, 'job_state'):>1.1} {_elapsed(each):>5.5}"
    )


def _wide_row(job: str, each: Attributes) -> str:
    return (
        f"{_cut(job, 30):<30} {_cut(_user(each), 15):<15} {_cut(_queue(each), 15):<15}"
        f" {_cut(_text(each, 'Job_Name'), 15):<15} {_number(each, 'session_id'):>8.8}"
        f" {_count(each, 'nodect', 4):>4} {_count(each, 'ncpus', 5):>5} {_asked(each, 'mem'):>6.6}"
        f" {_asked(each, 'walltime'):>5.5} {_text(each, 'job_state'):>1} {_elapsed(each):.5}"
    )


def _number(each: Attributes, name: str) -> str:
    return _text(each, name) or _NONE


def _asked(each: Attributes, resource: str) -> str:
    return _text(each, "Resource_List", resource) or _NONE


def _count(each: Attributes, resource: str, width: int) -> str:
    return _cut(_text(each, "Resource_List", resource), width) or _NONE


def _spent(each: Attributes) -> str:
    return _cut(_text(each, "resources_used", "cput") or "0", 8)


def _elapsed(each: Attributes) -> str:
    return _text(each, "resources_used", "walltime") or _NONE


def _user(each: Attributes) -> str:
    return _text(each, "Job_Owner").partition("@")[0]


def _queue(each: Attributes) -> str:
    return _text(each, "queue").partition("@")[0]


def _shown_comment(each: Attributes, most: int) -> str:
    comment = _text(each, "comment") or _NONE
    return comment if len(comment) <= most + 4 else comment[:most] + "..."


def render_queues(queues: Iterable[tuple[str, Attributes]]) -> str:
    """Return the table of `qstat -Q`."""
    rows = []
    for name, each in queues:
        counts = dict(word.split(":") for word in _text(each, "state_count").split())
        shown = " ".join(f"{counts.get(kind, '0'):>5}" for kind in _COUNTS)
        open_, started = ("yes" if _text(each, word) == "True" else "no" for word in ("enabled", "started"))
        kind = _cut(_text(each, "queue_type"), 4)
        rows.append(f"{name[:16]:<16} {'0':>5} {_text(each, 'total_jobs'):>5} {open_:>3} {started:>3} {shown} {kind}\n")
    return _QUEUES + "".join(rows)


# ---------------------------------------------------------------- the long form


def render_full(kind: str, name: str, attributes: Attributes) -> str:
    """Return the lines of `qstat -f` for a job (`Job Id`) or of `qstat -Qf` for a queue (`Queue`)."""
    lines = [f"{kind}: {name}\n"]
    for key, value in attributes.items():
        if isinstance(value, str):
            lines.append(_attribute(key, value))
        elif key == "Variable_List":
            lines.append(_attribute(key, ",".join(f"{name}={text}" for name, text in value.items())))
        else:
            lines += [_attribute(f"{key}.{part}", text) for part, text in value.items()]
    return "".join(lines) + "\n"


def _attribute(name: str, value: str) -> str:
    """Return one attribute, broken after a comma where that helps, and anywhere where it does not."""
    pieces = [f"    {name} = "]
    width = len(name) + 7
    for place, word in enumerate(filter(None, value.split(","))):
        if place:
            pieces.append(",")
        if width + len(word) < _LINE:
            pieces.append(word)
            width += len(word)
            continue
        if place:
            pieces.append("\n\t")
            width = 9
        for letter in word:
            pieces.append(letter)
            width += 1
            if width > _LINE:
                pieces.append("\n\t")
                width = 8
    return "".join(pieces) + "\n"


def render_json(kind: str, head: Mapping[str, object], rows: Sequence[tuple[str, Attributes]]) -> str:
    """Return the JSON of `-F json`: what tells of the server, and the rows under `kind` if there are any."""
    told: dict[str, object] = dict(head)
    if rows:
        told[kind] = {name: {key: _guessed(value) for key, value in each.items()} for name, each in rows}
    return _written(told, 0) + "\n"


def _guessed(value: str | Mapping[str, str]) -> object:
    """Return a text as a number if it looks like one, since types are guessed."""
    if not isinstance(value, str):
        return {key: _guessed(text) for key, text in value.items()}
    if not _NUMBER.fullmatch(value):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number  # noqa: PLR2004  # as long as exact


def _written(value: object, depth: int) -> str:
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    inner = "\t" * (depth + 1)
    rows = ",\n".join(f"{inner}{json.dumps(key)}:\t{_written(each, depth + 1)}" for key, each in value.items())
    return "{\n" + rows + "\n" + "\t" * depth + "}"
