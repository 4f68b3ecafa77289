"""The charter of a run: what the user asked for, so that the jobs can carry it on by themselves.

Owns its file, `.hpcmake/run.json`.  Knows nothing of what the options mean.
"""

from __future__ import annotations

import os
import time
from json import dumps, loads

from hpcmake.app.placing import VARIABLE
from hpcmake.app.queue.posting import watcher_hours
from hpcmake.app.refusing import find_project
from hpcmake.jobs.files import read_whole, write_whole
from hpcmake.jobs.folder import list_folders, next_sequence
from hpcmake.jobs.marks import write_budget
from hpcmake.journal import FOLDER
from hpcmake.options import RUN, Arguments
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.opening import Opened
    from hpcmake.site import Site

PATH = f"{FOLDER}/run.json"
_OWN = frozenset({"detach", "wait", "json", "quiet", "verbose", "trace", "entered", "directory"})
"""Options of the one who drives: they are not handed on."""
_MORE = 1.5
"""Without a budget, jobs that carry a campaign on may spend so many times what its first plan and watchers reserve."""
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


def begin_charter(opened: Opened, site: Site, forecast: Forecast | None) -> Charter:
    """Write down what was asked for, so that jobs can carry it on.  Raises Trouble."""
    arguments = opened.arguments
    limits = [each for each in (arguments.number("budget"), site.budget) if each is not None]
    budget = min(limits, default=None)
    if budget is None and arguments.flag("detach") and forecast is not None:
        budget = _MORE * (forecast.costs.reserved + len(forecast.packing.jobs) * watcher_hours(site))
    if budget is not None:
        write_budget(FOLDER, budget)
    first = next_sequence(list_folders(FOLDER))
    before = read_charter()
    word = arguments.text("site") or os.environ.get(VARIABLE) or site.name
    name = os.path.abspath(word) if os.path.isfile(word) else word
    charter = make_charter(arguments, name, first=first, budget=budget, variables=opened.variables)
    project = arguments.text("project") or find_project(site, os.environ)
    if project is not None:  # jobs do not have the variable that may have told it
        charter = charter.replace(values={**charter.values, "project": project})
    if before is not None and before.words == charter.words:
        charter = charter.replace(at=before.at)
    write_charter(charter)
    return charter
