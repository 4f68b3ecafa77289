"""The words of the command line: how they are read, and what is said of those that cannot be.

Owns the reader and the help.  Knows nothing of what options do; which there are is in `vocabulary`.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration
from hpcmake.vocabulary import LATER, LATER_FOR_VERBS, OPTIONS, RUN, VERBS, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
        self.names: dict[str, list[Option]] = {}
        for option in OPTIONS:
            for name in option.names:
                self.names.setdefault(name, []).append(option)
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

    def find(self, name: str) -> Option | None:
        """Return the option of a name; if it means something else with this verb, that."""
        known = self.names.get(name, ())
        return next((each for each in known if self.arguments.verb in each.verbs), known[0] if known else None)

    def tell(self, code: str, message: str, word: str, help_: str = "") -> None:
        source = Source("the command line", " ".join(self.argv))
        start = max(0, source.text.find(word))
        self.mistakes.append(Diagnostic(code, message, Span(source, start, start + len(word)), help=help_))

    def long(self, word: str) -> None:
        name, equals, value = word.partition("=")
        option = self.find(name)
        later = LATER_FOR_VERBS.get((self.arguments.verb, name))
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
            option = self.find(name)
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
        if option.kind == "amount":
            self.amount(name, option, value)
            return
        try:
            self.arguments.values[option.key] = (
                float(value) if value.isascii() and value.isdecimal() else parse_duration(value)
            )
        except UnitError as problem:
            self.tell("E803", f"`{name}` is a duration, not `{value}`", value or name, str(problem))

    def amount(self, name: str, option: Option, value: str) -> None:
        whole, _, part = value.partition(".")
        plain = value.isascii() and whole.isdecimal() and (part or "0").isdecimal() and len(value) <= 12  # noqa: PLR2004
        if not plain or not float(value) > 0:
            self.tell(
                "E803",
                f"`{name}` is a number of {option.value.lower()} above 0, not `{value}`",
                value or name,
                f"write for example `{name} 1000`",
            )
            return
        self.arguments.values[option.key] = float(value)

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
            "script": "[DIR]",
            "testbed": "SITE -- COMMAND…",
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


__all__ = ["LATER", "OPTIONS", "RUN", "VERBS", "Arguments", "Option", "parse_arguments", "render_help"]
