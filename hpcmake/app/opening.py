"""Opening a campaign: its Wfile, its journal, its plan.

Owns the way from a folder to a plan.  Knows nothing of what is done with the plan.
"""

from __future__ import annotations

import os
import time

from hpcmake.app.placing import LOCAL, find_held_here, find_site
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.disk import Disk
from hpcmake.journal import FOLDER, JournalFolder
from hpcmake.lease import find_holder
from hpcmake.lines import damage_diagnostics
from hpcmake.parser.cache import parse_cached
from hpcmake.parser.parse import decode
from hpcmake.planner.fold import FoldError, LaterFoldError, parse_fold
from hpcmake.planner.outside import Outside, nearest_path
from hpcmake.planner.plan import Plan
from hpcmake.planner.resolve import resolve
from hpcmake.planner.stale import Choices
from hpcmake.tasks.history import History
from hpcmake.tasks.paths import natural_order, normalize
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.lines import Damage
    from hpcmake.options import Arguments
    from hpcmake.planner.rules import Campaign
    from hpcmake.runners.held import Held
    from hpcmake.syntax import Wfile


class Loading:
    """Finds and parses included files."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.names: list[str] = []

    def find(self, pattern: str) -> list[str]:
        """Return the files that a plain path or a glob names, sorted."""
        if not any(character in pattern for character in "*?["):
            return [pattern] if os.path.isfile(pattern) else []
        from glob import glob  # only where there is one

        return natural_order([path for path in glob(pattern, recursive=True) if os.path.isfile(path)])

    def parse(self, path: str) -> Wfile:
        """Return a parsed file.  Raises Trouble."""
        self.names.append(path)
        return parse_cached(decode(path, read_wfile(path)))

    def nearest(self, path: str) -> str:
        """Return a hint for a path that is not there."""
        return nearest_path(self.disk, normalize(path))


def read_wfile(path: str) -> bytes:
    """Return the content of a Wfile.  Raises Trouble if it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as problem:
        where = os.getcwd()
        if isinstance(problem, FileNotFoundError):
            message = f"there is no Wfile in {where}" if path == "Wfile" else f"there is no file `{path}` in {where}"
            hint = nearest_path(Disk(), normalize(path))
            help_ = (
                hint
                if "/" in path or hint.startswith("did you mean")
                else "write one there, name another by `-f FILE`, or go to its folder by `-C DIR`"
            )
        else:
            message, help_ = f"{path} cannot be read: {problem.strerror}", ""
        raise Trouble(Diagnostic("E810", message, help=help_)) from None


def fault_diagnostics(faults: Sequence[str]) -> list[Diagnostic]:
    """Return what a user is told of records that are whole and yet do not say what they must."""
    if not faults:
        return []
    count = "a record" if len(faults) == 1 else f"{len(faults)} records"
    which = "" if len(faults) == 1 else "the first: "
    message = f"{count} in {FOLDER} cannot be understood ({which}{faults[0]}), and skipped"
    return [Diagnostic("W713", message, help="the task that it was about runs again; nothing else is lost")]


class Opened:
    """A campaign that was opened: all that its verbs work with."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self.warnings: list[Diagnostic] = []
        enter(arguments)
        self.root = os.getcwd()
        self.site = find_site(arguments, os.environ)
        """The site that was named, or whose job we are in; None: this machine."""
        self.held: Held | None = None
        """The job that we are in, if the campaign is to run on its nodes."""
        here = find_held_here(arguments, self.site, os.environ)
        if here is not None:
            self.site, self.held = here
        self.site_name = self.site.name if self.site is not None else LOCAL
        """The name under which `defaults on` and `{site}` know where the campaign runs."""
        self.looked = time.time_ns()
        """When this campaign's files began to be looked at."""
        self.disk = Disk()
        self.wfile = arguments.text("file") or "Wfile"
        self.tree = parse_cached(decode(self.wfile, read_wfile(self.wfile)))
        self.overrides = read_definitions(arguments.texts("define"))
        self.journal = JournalFolder(FOLDER)
        self.journal_state = self.journal.state()
        """What the journal's files were like when they began to be read."""
        self.passed: list[Plan] = []
        """Plans for includes that rules make, all of which are up to date."""
        self.variables: dict[str, str] = {}
        """The variables of the environment that the Wfile has read."""
        self.is_damaged = False
        """Whether anything in the journal was damaged, so that it is to be written anew."""
        self.history = self.read_history()
        self.choices = self._choices()

    @property
    def is_at_site(self) -> bool:
        """Whether it is to run on nodes that a scheduler gives, and not on this machine."""
        return self.site is not None and self.site.scheduler != "none"

    def read_history(self) -> History:
        """Return what the journal says; what is damaged in it is told as warnings.  Raises Trouble."""
        while True:
            fold = self.journal.fold_state()
            warnings: list[Diagnostic] = []
            history = self._read_fold(warnings)
            damage: list[Damage] = []
            for records in self.journal.read_records(history.covers, damage):
                history.take(records)
            if self.journal.fold_state() == fold:
                break  # else a driver has folded meanwhile, and what was read is not all
        if any(each.torn for each in damage) and find_holder(FOLDER) is not None:
            damage = [each for each in damage if not each.torn]  # it is being written
        self.warnings += [*warnings, *damage_diagnostics(damage), *fault_diagnostics(history.faults)]
        self.is_damaged = bool(self.warnings)
        return history

    def _read_fold(self, warnings: list[Diagnostic]) -> History:
        raw = self.journal.read_fold()
        if raw is None:
            return History()
        try:
            history = parse_fold(raw)
        except LaterFoldError as problem:
            message = f"{FOLDER}/journal.fold was written by a later hpcmake: {problem}"
            help_ = (
                f"use that one; or remove {FOLDER}, which loses all records and no file: make's rule is used once then"
            )
            raise Trouble(Diagnostic("E712", message, help=help_)) from None
        except FoldError as problem:
            message = f"the folded journal {FOLDER}/journal.fold cannot be read: {problem}"
            help_ = (
                "what only it held is lost: those tasks have no record, and are run again;\n"
                "`hpcmake -t` adopts what is on the disk"
            )
            warnings.append(Diagnostic("W712", message, help=help_))
            history = History()
            history.exists = True
        if history.mended:
            message = f"the folded journal {FOLDER}/journal.fold was damaged ({history.mended}), and is mended"
            help_ = "nothing is lost; a disk that does this once may do it again"
            warnings.append(Diagnostic("W714", message, help=help_))
        return history

    def _choices(self) -> Choices:
        arguments = self.arguments

        def paths(key: str) -> frozenset[str]:
            return frozenset(normalize(path, self.root) for path in arguments.texts(key))

        return Choices(
            always=arguments.flag("always_make"),
            rules=frozenset(arguments.texts("rerun")),
            new=paths("new_file"),
            old=paths("old_file"),
            omit=frozenset(arguments.texts("omit")),
            content=arguments.text("check") == "content",
        )

    def plan(self, targets: Sequence[str] | None = None) -> Plan:
        """Return the plan; if an include that a rule makes is out of date, the plan for that alone.  Raises Trouble."""
        wanted = self.wanted() if targets is None else targets
        ready: list[str] = []
        while True:
            outside = Outside(self.disk, dict(os.environ), self.root)
            campaign = resolve(
                self.tree, outside, Loading(self.disk), overrides=self.overrides, site=self.site_name, ready=ready
            )
            self._check_rule_names(campaign)
            self.variables = outside.asked
            if not campaign.generated:
                return Plan(campaign, outside, self.disk, self.history, self.choices, wanted)
            paths = [path for path, _ in campaign.generated]
            plan = Plan(campaign, outside, self.disk, self.history, self.choices, paths)
            if not all(plan.is_ready(plan.graph.want(path)) for path in paths):
                return plan
            self.passed.append(plan)
            ready += paths

    def wanted(self) -> list[str]:
        """Return the targets of the command line."""
        return self.arguments.texts("until") or self.arguments.words

    def _check_rule_names(self, campaign: Campaign) -> None:
        if campaign.generated:
            return
        for option in ("rerun", "omit"):
            for name in self.arguments.texts(option):
                if name not in campaign.by_name:
                    from hpcmake.diagnostics import did_you_mean

                    flag = "-R" if option == "rerun" else "--omit"
                    source = Source("the command line", f"{flag} {name}")
                    hint = did_you_mean(name, campaign.by_name) or f"rules are: {', '.join(list(campaign.by_name)[:8])}"
                    span = Span(source, len(flag) + 1, len(flag) + 1 + len(name))
                    raise Trouble(Diagnostic("E807", f"there is no rule `{name}`", span, help=hint))


def enter(arguments: Arguments) -> None:
    """Go to the folders of `-C`, one after the other, as make does.  Raises Trouble."""
    for folder in arguments.texts("directory"):
        try:
            os.chdir(folder)
        except OSError as problem:
            source = Source("the command line", f"-C {folder}")
            message = (
                f"there is no folder `{folder}`"
                if isinstance(problem, FileNotFoundError)
                else f"cannot go to `{folder}`: {problem.strerror}"
            )
            hint = nearest_path(Disk(), normalize(folder))
            help_ = hint if hint.startswith("did you mean") else ""
            raise Trouble(Diagnostic("E811", message, Span(source, 3, 3 + len(folder)), help=help_)) from None
    try:
        os.getcwd()
    except OSError:
        message = "the folder in which you are is gone: it was removed, and perhaps made anew"
        raise Trouble(Diagnostic("E811", message, help='go there again: `cd "$PWD"`')) from None


def read_definitions(texts: Sequence[str]) -> dict[str, str]:
    """Return the params of `-D NAME=VALUE`.  Raises Trouble for one without a value."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            source = Source("the command line", f"-D {text}")
            raise Trouble(
                Diagnostic(
                    "E803",
                    f"`-D {text}` gives no value",
                    Span(source, 3, 3 + len(text)),
                    help=f"write `-D {name}=VALUE`",
                )
            )
        found[name.strip()] = value
    return found
