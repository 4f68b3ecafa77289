"""The list of jobs that are settled: over, their records folded, what they were charged added up.

Owns one file, `.hpcmake/jobs/settled`, to which the holder of the lease adds lines.  Knows nothing of how a job is
settled.  A campaign of a thousand jobs need not look into a thousand folders at each step.
"""

from __future__ import annotations

import os

from hpcmake.jobs.files import read_whole, sync_folder
from hpcmake.lines import parse_records, render_record
from hpcmake.record import Record
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Settled(Record):
    """A job that is settled.  `exit`, `why` and `text` are those of its fate, `job` its id.

    `spent` are the node-hours that it was charged, `records` counts those of tasks that it has written, `site` and
    `setup` tell jobs that run alike, `role` what it was for; `began` whether its
    script has run.
    """

    key: str
    job: str = ""
    exit: int | None = None
    why: str = ""
    text: str = ""
    spent: float = 0.0
    records: int = 0
    site: str = ""
    setup: str = ""
    role: str = "work"
    began: bool = True


def read_settled(root: str) -> dict[str, Settled]:
    """Return the jobs of a campaign that are settled, by key, in the order in which they were.  Raises Trouble.

    A line that is damaged is passed over: that job is settled once more, which changes nothing.
    """
    raw = read_whole(f"{root}/jobs/settled") or b""
    found: dict[str, Settled] = {}
    for row in parse_records(raw, "settled")[0]:
        each = _parse(row)
        if each is not None:
            found.pop(each.key, None)
            found[each.key] = each
    return found


def add_settled(root: str, settled: Settled) -> None:
    """Add a job, for good.  Raises Trouble."""
    path = f"{root}/jobs/settled"
    names: tuple[str, ...] = settled.__slots__
    line = render_record({"k": "settled", **{name: getattr(settled, name) for name in names}})
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            size = os.fstat(file).st_size
            torn = size and os.pread(file, 1, size - 1) != b"\n"
            os.write(file, b"\n" + line if torn else line)
            os.fsync(file)
        finally:
            os.close(file)
        if not size:
            sync_folder(os.path.dirname(path))
    except OSError as error:
        raise trouble(error, "write", path) from None


def _parse(row: dict[str, Any]) -> Settled | None:
    if row.get("k") != "settled" or not isinstance(row.get("key"), str):
        return None
    return Settled(**{name: value for name, value in row.items() if name in Settled.__slots__})
