"""The words of the command line: which options and verbs there are, and how they are read.

Owns the table of options, from which reading, help and completion are made.  Knows nothing of what they do.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.record import Record
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Option(Record):
    """An option: its names, the kind of its value, and what it does.

    `kind` is `flag`, `text`, `texts` (may come again), `count`, `duration`, `maybe duration` or `choice`.
    """

    names: tuple[str, ...]
    kind: str
    help: str
    value: str = ""
    choices: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    """The verbs that take it; empty: every one."""
    hidden: bool = False
    """Whether it is for completion scripts, and not for people."""

    @property
    def key(self) -> str:
        """Its long name, as it is asked for."""
        return self.names[-1].lstrip("-").replace("-", "_")


RUN = "run"
"""The verb that is not written."""

_PLANS = (RUN, "why", "ls", "status", "graph", "clean", "check", "log")

OPTIONS = (
    Option(("-n", "--dry-run"), "flag", "show the plan and its reasons; change nothing", verbs=(RUN, "clean")),
    Option(("-j", "--jobs"), "count", "how many cores to use at once (default: all)", "N", verbs=(RUN,)),
    Option(("-k", "--keep-going"), "flag", "go on with what does not depend on a failure", verbs=(RUN,)),
    Option(("-B", "--always-make"), "flag", "as if every task were stale", verbs=_PLANS),
    Option(("-R", "--rerun"), "texts", "as if the tasks of this rule were stale", "RULE", verbs=_PLANS),
    Option(("-W", "--new-file"), "texts", "as if this file had just changed", "FILE", verbs=_PLANS),
    Option(("-o", "--old-file"), "texts", "as if this file had not changed, nor what makes it", "FILE", verbs=_PLANS),
    Option(("-q", "--question"), "flag", "say nothing; exit 0 if all is up to date, else 1", verbs=(RUN,)),
    Option(("-t", "--touch"), "flag", "record what is on the disk as up to date, without running", verbs=(RUN,)),
    Option(("--until",), "texts", "stop at this target or file", "TARGET", verbs=_PLANS),
    Option(("--omit",), "texts", "leave out this rule, and what needs it", "RULE", verbs=_PLANS),
    Option(("-f", "--file"), "text", "read this instead of `Wfile`", "FILE"),
    Option(("-C", "--directory"), "texts", "work in this folder", "DIR"),
    Option(("-D", "--define"), "texts", "set a param", "NAME=VALUE"),
    Option(
        ("--check",),
        "choice",
        "what counts as a changed file",
        "mtime|content",
        choices=("mtime", "content"),
        verbs=_PLANS,
    ),
    Option(("--retries",), "count", "tries after a failure, for rules that do not say", "N", verbs=(RUN,)),
    Option(("--latency",), "duration", "how long an output may take to appear", "T", verbs=(RUN,)),
    Option(("--keep-temp",), "flag", "keep `temp` files", verbs=(RUN,)),
    Option(
        ("--wait",),
        "maybe duration",
        "wait for another hpcmake in this campaign to end (at most T)",
        "[T]",
        verbs=(RUN, "clean"),
    ),
    Option(("--json",), "flag", "JSON lines instead of prose"),
    Option(("-v", "--verbose"), "flag", "show commands and single tasks too"),
    Option(("--quiet",), "flag", "say errors only"),
    Option(("--trace",), "text", "write a Chrome trace of what ran where", "FILE", verbs=(RUN,)),
    Option(("--where",), "text", "which tasks: 'state = failed and rule = dock'", "EXPR", verbs=("ls",)),
    Option(("--rules",), "flag", "the rules", verbs=("graph",)),
    Option(("--tasks",), "flag", "the tasks (folded by rule when there are many)", verbs=("graph",)),
    Option(("--files",), "flag", "the files and what makes them", verbs=("graph",)),
    Option(
        ("--format",),
        "choice",
        "its form (default: dot)",
        "dot|mermaid|svg|json",
        choices=("dot", "mermaid", "svg", "json"),
        verbs=("graph",),
    ),
    Option(("--temp",), "flag", "`temp` files", verbs=("clean",)),
    Option(("--stale",), "flag", "what tasks made that no rule makes any more", verbs=("clean",)),
    Option(("--all",), "flag", "all that rules have made", verbs=("clean",)),
    Option(("--complete-targets",), "flag", "", hidden=True),
    Option(("--version",), "flag", "say which hpcmake this is"),
    Option(("-h", "--help"), "flag", "say what can be said"),
)

VERBS = {
    "why": "why a file is (not) up to date, and why it is not running yet",
    "ls": "the tasks: state, tries, time, memory, log",
    "status": "the campaign at a glance",
    "log": "the output of a task's last attempt",
    "graph": "the graph, as dot, mermaid, svg or json",
    "stop": "end what runs",
    "clean": "remove what rules made",
    "fmt": "put the Wfile into its canonical form",
    "check": "all diagnostics, without planning",
    "sites": "the sites; one with all its numbers",
    "completion": "the completion script for bash, zsh or fish",
}
"""Every verb of one machine, with what it does."""

LATER = {
    "script": "writes job scripts",
    "testbed": "emulates a site",
}
"""Verbs of campaigns on sites, which this version does not have."""

_LATER_FOR_VERBS = {("sites", "--check"): "tries a site on the machine itself"}
"""Options of a verb, with what they would do there; with other verbs they mean something else."""

_LATER_OPTIONS = frozenset(
    "--site --submit --here --detach --job-nodes --job-time --max-queued -A --queue --budget --trial --batches".split()
)


class Arguments:
    """What was said: the verb, the words that are no options, and the value of each option."""

    def __init__(self, verb: str) -> None:
        self.verb = verb
        self.words: list[str] = []
        self.values: dict[str, object] = {}

    def flag(self, key: str) -> bool:
        """Tell whether a flag was given."""
        return bool(self.values.get(key))

    def text(self, key: str) -> str | None:
        """Return the text of an option, None if it was not given."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def texts(self, key: str) -> list[str]:
        """Return the texts of an option that may come again."""
        value = self.values.get(key)
        return list(value) if isinstance(value, list) else []

    def number(self, key: str) -> float | None:
        """Return the number of an option, None if it was not given."""
        value = self.values.get(key)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Return what a command line says.  Raises Trouble with every mistake in it."""
    return _Reader(list(argv)).read()


class _Reader:
    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.at = 0
        self.mistakes: list[Diagnostic] = []
        self.names = {name: option for option in OPTIONS for name in option.names}
        self.arguments = Arguments(RUN)
        self.given: list[tuple[str, Option]] = []

    def read(self) -> Arguments:
        plain = False
        first = True
        while self.at < len(self.argv):
            word = self.argv[self.at]
            self.at += 1
            if plain or word == "-" or not word.startswith("-"):
                if first and not plain and word in VERBS:
                    self.arguments.verb = word
                elif first and not plain and word in LATER:
                    help_ = f"this one runs on one machine only; a file of that name is reached by `hpcmake -- {word}`"
                    self.tell("E805", f"`{word}`, which {LATER[word]}, needs a later version", word, help_)
                else:
                    self.arguments.words.append(word)
                first = False
            elif word == "--":
                plain = True
            elif word.startswith("--"):
                self.long(word)
            else:
                self.short(word)
        self.check_verbs()
        if self.mistakes:
            raise Trouble(*self.mistakes)
        return self.arguments

    def tell(self, code: str, message: str, word: str, help_: str = "") -> None:
        source = Source("the command line", " ".join(self.argv))
        start = max(0, source.text.find(word))
        self.mistakes.append(Diagnostic(code, message, Span(source, start, start + len(word)), help=help_))

    def long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self.names.get(name)
        later = _LATER_FOR_VERBS.get((self.arguments.verb, name))
        if later is not None:
            verb = f"hpcmake {self.arguments.verb}"
            self.tell("E805", f"`{verb} {name}`, which {later}, needs a later version", word, f"leave out `{name}`")
        elif option is None:
            self.unknown(name)
        elif option.kind == "flag":
            if equals:
                self.tell("E803", f"`{name}` takes no value", word, "leave out the `=`")
            self.take(name, option, None)
        elif equals:
            self.take(name, option, value)
        else:
            self.take(name, option, self.following(option, name))

    def short(self, word: str) -> None:
        at = 1
        while at < len(word):
            name = "-" + word[at]
            option = self.names.get(name)
            at += 1
            if option is None:
                self.unknown(name if len(word) == 2 else word)  # noqa: PLR2004  # a dash and a letter
                return
            if option.kind == "flag":
                self.take(name, option, None)
                continue
            rest = word[at:].removeprefix("=")
            self.take(name, option, rest if at < len(word) else self.following(option, name))
            return

    def following(self, option: Option, name: str) -> str | None:
        if self.at >= len(self.argv):
            if option.kind != "maybe duration":
                self.tell("E803", f"`{name}` wants a value", name, f"write `{name} {option.value}`: {option.help}")
            return None
        word = self.argv[self.at]
        if option.kind == "maybe duration":
            try:
                parse_duration(word)
            except UnitError:
                return None
        self.at += 1
        return word

    def unknown(self, name: str) -> None:
        if name in _LATER_OPTIONS:
            self.tell(
                "E805",
                f"`{name}` is for sites, and needs a later version",
                name,
                "this version runs campaigns on one machine; leave the option out",
            )
            return
        help_ = did_you_mean(name, self.names) or "`hpcmake --help` lists the options"
        self.tell("E804", f"unknown option `{name}`", name, help_)

    def take(self, name: str, option: Option, value: str | None) -> None:
        values = self.arguments.values
        self.given.append((name, option))
        if option.kind == "flag":
            values[option.key] = True
        elif option.kind == "maybe duration" and value is None:
            values[option.key] = float("inf")
        elif value is None:
            return
        elif option.kind == "text":
            values[option.key] = value
        elif option.kind == "texts":
            listed = values.setdefault(option.key, [])
            assert isinstance(listed, list)  # noqa: S101  # only this line puts something there
            listed.append(value)
        elif option.kind == "choice":
            if value not in option.choices:
                self.tell(
                    "E803",
                    f"`{name}` is one of {', '.join(option.choices)}, not `{value}`",
                    value,
                    did_you_mean(value, option.choices),
                )
            values[option.key] = value
        else:
            self.quantity(name, option, value)

    def quantity(self, name: str, option: Option, value: str) -> None:
        if option.kind == "count":
            least = 0 if option.key == "retries" else 1
            if not value.isascii() or not value.isdecimal() or len(value) > 9 or int(value) < least:  # noqa: PLR2004
                self.tell(
                    "E803",
                    f"`{name}` is a whole number from {least}, not `{value}`",
                    value or name,
                    f"write for example `{name} 8`",
                )
                return
            self.arguments.values[option.key] = int(value)
            return
        try:
            self.arguments.values[option.key] = (
                float(value) if value.isascii() and value.isdecimal() else parse_duration(value)
            )
        except UnitError as problem:
            self.tell("E803", f"`{name}` is a duration, not `{value}`", value or name, str(problem))

    def check_verbs(self) -> None:
        verb = self.arguments.verb
        for name, option in self.given:
            if option.verbs and verb not in option.verbs:
                what = f"`hpcmake {verb}`" if verb != RUN else "a run"
                others = [f"`hpcmake {each}`" if each != RUN else "a run" for each in option.verbs]
                self.tell("E806", f"`{name}` does not go with {what}", name, f"it goes with {', '.join(others)}")


def render_help(verb: str = RUN) -> str:
    """Return the help for a verb, or for all."""
    lines = []
    if verb == RUN:
        lines += [
            "usage: hpcmake [TARGET…] [options]",
            "       hpcmake VERB …",
            "",
            "Brings targets (files or names) up to date; without one, the first `target` of the Wfile.",
            "",
        ]
        lines += ["verbs:", *(f"  {name:<12} {text}" for name, text in VERBS.items()), ""]
    else:
        words = {
            "why": "FILE",
            "log": "FILE-OR-TASK",
            "completion": "bash|zsh|fish",
            "fmt": "[FILE…]",
            "check": "[FILE]",
            "sites": "[NAME-OR-FILE]",
        }.get(verb, "[TARGET…]")
        lines += [f"usage: hpcmake {verb} {words} [options]", "", f"{VERBS[verb][0].upper()}{VERBS[verb][1:]}.", ""]
    lines.append("options:")
    for option in OPTIONS:
        if option.hidden or (option.verbs and verb not in option.verbs):
            continue
        names = ", ".join(option.names) + (f" {option.value}" if option.value else "")
        gap = f"\n{'':<24}" if len(names) > 21 else ""  # noqa: PLR2004  # the width of the first column
        lines.append(f"  {names:<21}{gap} {option.help}" if not gap else f"  {names}{gap}{option.help}")
    return "\n".join(lines) + "\n"
