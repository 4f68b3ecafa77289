"""What a campaign in the queue was asked for, as verbs take it: whoever looks at it means the same targets and site.

Owns what of that holds where the command line says nothing, and the command that goes on with it.  Knows nothing of
verbs.
"""

from __future__ import annotations

import os

from hpcmake.app.opening import Opened, enter
from hpcmake.app.queue.charter import read_charter
from hpcmake.diagnostics import Trouble
from hpcmake.journal import FOLDER
from hpcmake.tasks.quoting import quote_word
from hpcmake.units import parse_duration, render_duration
from hpcmake.vocabulary import OPTIONS, RUN, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.app.queue.charter import Charter
    from hpcmake.app.queue.in_jobs import InJobs
    from hpcmake.app.queue.standing import Standing
    from hpcmake.app.tasks import Account
    from hpcmake.options import Arguments
    from hpcmake.planner.plan import Plan

_SHARED = ("file", "define", "until", "omit", "check")
"""Options that say which campaign this is."""


class View:
    """A campaign as verbs look at it: as its jobs were asked for it, where the command line does not say otherwise.

    `standing` is None if it never had any job.  The queue is looked at first: what jobs record meanwhile is then known.
    """

    def __init__(self, arguments: Arguments, *, places: bool = False) -> None:
        enter_once(arguments)
        charter = read_charter()
        if charter is not None:
            _follow(arguments, charter)
        self.standing: Standing | None = None
        if os.path.isdir(f"{FOLDER}/jobs"):
            from hpcmake.app.queue.standing import find_standing

            self.standing = find_standing(places=places)
        self.opened = Opened(arguments)
        self.jobs: InJobs | None = None

    def plan(self, targets: Sequence[str] | None = None) -> Plan:
        """Return the plan; which of its tasks are in jobs is known then.  Raises Trouble."""
        plan = self.opened.plan(targets)
        if self.standing is not None:
            from hpcmake.app.queue.in_jobs import InJobs

            charter = self.standing.charter
            retries = charter.values.get("retries") if charter is not None else None
            self.jobs = InJobs(plan, self.standing, retries=int(retries or 0))
        return plan

    def note(self, account: Account) -> Account:
        """Let what is known of a task of the last plan tell of its job, too."""
        if self.jobs is not None:
            self.jobs.note(account)
        return account

    @property
    def command(self) -> str:
        """What to type to go on with the campaign."""
        charter = self.standing.charter if self.standing is not None else None
        return render_command(charter, folders=self.opened.arguments.texts("entered"))


def enter_once(arguments: Arguments) -> None:
    """Go to the folders of `-C`, and let nobody do so again.  Raises Trouble."""
    enter(arguments)
    if "directory" in arguments.values:
        arguments.values["entered"] = arguments.values.pop("directory")


def _follow(arguments: Arguments, charter: Charter) -> None:
    for key in _SHARED:
        if key in charter.values:
            arguments.values.setdefault(key, charter.values[key])
    if not arguments.words:
        arguments.words = list(charter.words)
    for name, value in charter.variables.items():
        os.environ.setdefault(name, value)
    word = charter.values.get("site")
    if "site" not in arguments.values and isinstance(word, str) and word:
        from hpcmake.sites import read_site

        try:
            read_site(word, os.environ)
        except Trouble:  # its file is gone, or has mistakes: what files tell of the jobs is told all the same
            return
        arguments.values["site"] = word


def render_command(charter: Charter | None, *, folders: list[str] | None = None) -> str:
    """Return what to type to go on with a campaign."""
    words = ["hpcmake"]
    for folder in folders or []:
        words += ["-C", folder]
    if charter is None:
        return " ".join(map(quote_word, [*words, "--site", "NAME"]))
    values = dict(charter.values)
    values.pop("submit", None)
    words += ["--site", str(values.pop("site", "NAME"))]
    for option in OPTIONS:
        if option.key not in values or (option.verbs and RUN not in option.verbs):
            continue
        value = values.pop(option.key)
        name = option.names[0] if len(option.names[0]) == 2 else option.names[-1]  # noqa: PLR2004  # a dash, a letter
        if option.kind == "flag":
            words += [name] if value else []
        elif isinstance(value, list):
            words += [word for each in value for word in (name, str(each))]
        elif value is not None:
            words += [name, _plain(value, option.kind)]
    targets = list(charter.words)
    if targets and (targets[0] in VERBS or targets[0].startswith("-")):
        words.append("--")
    return " ".join(map(quote_word, [*words, *targets]))


def _plain(value: object, kind: str) -> str:
    if isinstance(value, int | float) and kind in {"duration", "maybe duration"}:
        text = render_duration(value)
        return text if parse_duration(text) == value else f"{value:.12g}s"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
