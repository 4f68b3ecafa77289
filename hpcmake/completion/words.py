"""What a word of the command line can be, in terms that all shells share.

Owns the kinds of words and which follow which option and verb.  Knows nothing of the languages of shells.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Protocol

    class Described(Protocol):
        """An option, as the table of options describes it."""

        @property
        def names(self) -> tuple[str, ...]:
            """`-n`, `--dry-run`."""

        @property
        def kind(self) -> str:
            """`flag` if it takes no value; `maybe …` if it may have none."""

        @property
        def help(self) -> str:
            """What it does, in a few words."""

        @property
        def value(self) -> str:
            """What its value is called: `FILE`, `DIR`, `TARGET` can be completed."""

        @property
        def choices(self) -> tuple[str, ...]:
            """All values that it may have; empty: any."""

        @property
        def verbs(self) -> tuple[str, ...]:
            """The verbs that it goes with; empty: all."""


RUN = "run"
"""The verb that is not written."""

_VALUES = {"FILE": "files", "DIR": "folders", "TARGET": "targets"}
_WORDS = {"fmt": "files", "check": "files", "stop": "nothing", "sites": "nothing", "script": "folders"}
_CHOICES = {"completion": ("bash", "zsh", "fish")}

SELECTING = ("-C", "--directory", "-f", "--file", "-D", "--define")
"""Options that decide which targets there are: they are passed on when targets are asked for."""


def takes_value(option: Described) -> bool:
    """Whether the next word is always the value of this option."""
    return option.kind != "flag" and not option.kind.startswith("maybe")


def value_of(option: Described) -> str:
    """Return what the value of an option is: `files`, `folders`, `targets`, `choices` or `nothing` that is known."""
    return "choices" if option.choices else _VALUES.get(option.value, "nothing")


def words_of(verb: str) -> str:
    """Return what the words behind a verb are: `targets`, `files`, `choices` or `nothing`."""
    return "choices" if verb in _CHOICES else _WORDS.get(verb, "targets")


def choices_of(verb: str) -> tuple[str, ...]:
    """Return the words that may stand behind a verb whose words are `choices`."""
    return _CHOICES[verb]


def options_of(verb: str, options: Iterable[Described]) -> list[Described]:
    """Return the options that go with a verb."""
    return [option for option in options if not option.verbs or verb in option.verbs]


def is_long(name: str) -> bool:
    """Whether it is the long name of an option."""
    return name.startswith("--")


def letters(options: Sequence[Described], *, with_value: bool) -> str:
    """Return the letters of short options that take a value, or that take none."""
    return "".join(
        name[1]
        for option in options
        for name in option.names
        if not is_long(name) and (option.kind != "flag") == with_value
    )


def quoted(text: str) -> str:
    """Return the text in single quotes, for bash and zsh."""
    return "'" + text.replace("'", r"'\''") + "'"
