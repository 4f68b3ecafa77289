"""The charter of a run: what the user asked for, so that the jobs can carry it on by themselves.

Owns its file, `.hpcmake/run.json`.  Knows nothing of what the options mean.
"""

from __future__ import annotations

import os
import time
from json import dumps, loads

from hpcmake.jobs.files import read_whole, write_whole
from hpcmake.journal import FOLDER
from hpcmake.options import RUN, Arguments
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PATH = f"{FOLDER}/run.json"
_OWN = frozenset({"detach", "wait", "json", "quiet", "verbose", "trace", "entered", "directory"})
"""Options of the one who drives: they are not handed on."""
_ENVIRONMENT = 1 << 17  # letters of variables that are kept at most: who reads more of them will be asked again


class Charter(Record):
    """What was asked for: the targets and options of the command line, and the site by its name or file.

    `is_over`: the run has come to its end, and nothing more is submitted for it.  `first` is the sequence of the run's
    first job: what failed in it or later has failed in this run, and is not tried again by it.  `budget` is what its
    jobs may be charged, in node-hours.  `variables` are those of the environment which the Wfile may read: a job's are
    others.
    """

    words: tuple[str, ...]
    values: Mapping[str, Any]
    first: int
    budget: float | None = None
    detached: bool = False
    variables: Mapping[str, str] = {}  # frozen by use
    at: float = 0.0
    is_over: bool = False

    def arguments(self) -> Arguments:
        """Return the command line."""
        found = Arguments(RUN)
        found.words = list(self.words)
        found.values = dict(self.values)
        return found


def make_charter(
    arguments: Arguments, site: str, *, first: int, budget: float | None, variables: Mapping[str, str]
) -> Charter:
    """Return the charter of a run that begins."""
    values = {key: value for key, value in arguments.values.items() if key not in _OWN}
    values |= {"site": site, "submit": True}
    kept = dict(variables) if sum(map(len, variables.values())) < _ENVIRONMENT else {}
    detached = arguments.flag("detach")
    return Charter(tuple(arguments.words), values, first, budget, detached, kept, time.time())


def write_charter(charter: Charter) -> None:
    """Keep the charter, for good.  Raises Trouble."""
    names: tuple[str, ...] = Charter.__slots__
    write_whole(PATH, dumps({name: getattr(charter, name) for name in names}).encode(), durable=True)


def read_charter() -> Charter | None:
    """Return the charter of the last run that submitted jobs; None if there is none, or it cannot be read."""
    raw = read_whole(PATH)
    if raw is None:
        return None
    try:
        row = loads(raw)
        return Charter(**{**row, "words": tuple(row["words"])})
    except (ValueError, TypeError, KeyError):
        return None


def restore_environment(charter: Charter) -> None:
    """Set the variables that the Wfile may read as they were where the run was begun."""
    os.environ.update(charter.variables)
