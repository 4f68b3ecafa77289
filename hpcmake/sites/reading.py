"""One table of a site file, read strictly: each key has a kind, and each mistake is noted with its place.

Owns the kinds of values and their mistakes.  Knows nothing of what the keys of a site are.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, did_you_mean, nearest
from hpcmake.sites.quantities import WrongQuantity, parse_bytes, parse_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.sites.places import Entry

_KINDS = {
    str: "the text",
    bool: "the truth value",
    int: "the number",
    float: "the number",
    list: "a list",
    dict: "a table",
}


_HUGE = 1e18  # more than anybody has; keeps out nan and inf too

_OTHER_WORDS = {"mpirun": "mpiexec", "openpbs": "pbs", "pbspro": "pbs", "torque": "pbs", "sbatch": "slurm"}
"""What others call the things that we know by another word."""


class Table:
    """A table that is being read: each method takes the value of one key, and notes what is wrong with it.

    A key that is absent, or wrong, gives the default.  `close` notes the keys that nobody has asked for.
    """

    def __init__(self, entry: Entry, name: str, mistakes: list[Diagnostic]) -> None:
        self.entry = entry
        self.name = name
        """What it is to the user, such as "queue `debug`"; empty for the whole file."""
        self.mistakes = mistakes
        self.asked: list[str] = []
        self.missing: dict[str, Diagnostic] = {}

    # ------------------------------------------------------------ mistakes

    def told(self, key: str) -> str:
        """Return a key as messages name it."""
        return f"`{key}` of {self.name}" if self.name else f"`{key}`"

    def tell(self, code: str, message: str, entry: Entry, *, help_: str = "", label: str = "") -> None:
        """Note a mistake at a value."""
        self.mistakes.append(Diagnostic(code, message, entry.span, label=label, help=help_))

    def tell_contradiction(self, message: str, entry: Entry, other: Entry | None, note: str, help_: str) -> None:
        """Note that two values contradict each other."""
        notes = (Note(other.span, note),) if other is not None and other is not entry else ()
        self.mistakes.append(Diagnostic("E907", message, entry.span, notes=notes, help=help_))

    def tell_missing(self, key: str, help_: str) -> None:
        """Note that a key is missing."""
        of = self.name or "the site"
        self.missing[key] = Diagnostic("E906", f"{of} has no `{key}`", self.entry.key, help=help_)
        self.mistakes.append(self.missing[key])

    def wrong_kind(self, key: str, entry: Entry, wanted: str, example: str) -> None:
        """Note that a value is of another kind."""
        value = entry.value
        shown = _KINDS.get(type(value), "the date")
        if not isinstance(value, (list, dict)):
            shown += " " + (entry.span.text.strip() or repr(value))
        if len(shown) > 60 or "\n" in shown:  # noqa: PLR2004  # a line must hold it
            shown = _KINDS.get(type(value), "a date").replace("the ", "a ")
        self.tell("E903", f"{self.told(key)} is {wanted}, not {shown}", entry, help_=f"write for example `{example}`")

    # ------------------------------------------------------------ values

    def find(self, key: str) -> Entry | None:
        """Return the entry of a key, None if it is absent."""
        self.asked.append(key)
        found: Entry | None = self.entry.value.get(key)
        return found

    def text(self, key: str, default: str | None = None, *, example: str = "…") -> str | None:
        """Return a text."""
        entry = self.find(key)
        if entry is None:
            return default
        if not isinstance(entry.value, str):
            self.wrong_kind(key, entry, "a text in quotes", f'{key} = "{example}"')
            return default
        return entry.value

    def choice(self, key: str, choices: Sequence[str], default: str | None) -> str | None:
        """Return one of a few words."""
        entry = self.find(key)
        if entry is None:
            return default
        return self.word(key, entry, choices, default)

    def word(self, key: str, entry: Entry, choices: Sequence[str], default: str | None) -> str | None:
        """Return the value of an entry that is one of a few words."""
        if not isinstance(entry.value, str):
            self.wrong_kind(key, entry, f"one of {_listed(choices)}", f'{key} = "{choices[0]}"')
            return default
        if entry.value not in choices:
            message = f"{self.told(key)} is one of {_listed(choices)}, not `{entry.value}`"
            close = _OTHER_WORDS.get(entry.value, "")
            mend = f"write `{close}`" if close in choices else did_you_mean(entry.value, choices)
            self.tell("E905", message, entry, help_=mend or f'write for example `{key} = "{choices[0]}"`')
            return default
        return entry.value

    def flag(self, key: str) -> bool:
        """Return a truth value; absent is false."""
        entry = self.find(key)
        if entry is None:
            return False
        if not isinstance(entry.value, bool):
            self.wrong_kind(key, entry, "true or false", f"{key} = true")
            return False
        return entry.value

    def whole(self, key: str, *, least: int, example: int) -> int | None:
        """Return a whole number."""
        entry = self.find(key)
        return None if entry is None else self.number(key, entry, least=least, example=f"{key} = {example}")

    def number(self, key: str, entry: Entry, *, least: int, example: str) -> int | None:
        """Return the whole number that an entry is."""
        value = entry.value
        if not isinstance(value, int) or isinstance(value, bool):
            self.wrong_kind(key, entry, "a whole number", example)
            return None
        if value < least:
            self.tell(
                "E905",
                f"{self.told(key)} is at least {least}, not {value}",
                entry,
                help_=f"write for example `{example}`",
            )
            return None
        return value

    def real(self, key: str, *, example: int) -> float | None:
        """Return a number that is not negative."""
        entry = self.find(key)
        if entry is None:
            return None
        value = entry.value
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not -_HUGE < value < _HUGE:
            self.wrong_kind(key, entry, "a number", f"{key} = {example}")
            return None
        if value < 0:
            self.tell(
                "E905", f"{self.told(key)} is not negative", entry, help_=f"write for example `{key} = {example}`"
            )
            return None
        return value

    def duration(self, key: str, *, example: str) -> float | None:
        """Return a duration in seconds."""
        entry = self.find(key)
        return None if entry is None else self.seconds(key, entry, f'{key} = "{example}"')

    def seconds(self, key: str, entry: Entry, example: str) -> float | None:
        """Return the seconds of an entry that is a duration."""
        if not isinstance(entry.value, str):
            self.wrong_kind(key, entry, "a duration with its unit, in quotes", example)
            return None
        try:
            return parse_seconds(entry.value)
        except WrongQuantity as problem:
            self.wrong_quantity(key, entry, problem, example)
            return None

    def size(self, key: str, *, example: str) -> int | None:
        """Return a size in bytes."""
        entry = self.find(key)
        if entry is None:
            return None
        if not isinstance(entry.value, str):
            self.wrong_kind(key, entry, "a size with its unit, in quotes", f'{key} = "{example}"')
            return None
        try:
            return parse_bytes(entry.value)
        except WrongQuantity as problem:
            self.wrong_quantity(key, entry, problem, f'{key} = "{example}"')
            return None

    def wrong_quantity(self, key: str, entry: Entry, problem: WrongQuantity, example: str) -> None:
        """Note a quantity that cannot be read."""
        mend = f'write `"{problem.mend}"`' if problem.mend else f"write for example `{example}`"
        self.tell("E904", f"{self.told(key)}: {problem}", entry, help_=mend)

    def words(self, key: str) -> tuple[str, ...] | None:
        """Return a list of texts."""
        entry = self.find(key)
        if entry is None:
            return None
        if not isinstance(entry.value, list):
            self.wrong_kind(key, entry, "a list of texts", f'{key} = ["…"]')
            return None
        found = []
        for each in entry.value:
            if isinstance(each.value, str):
                found.append(each.value)
            else:
                self.wrong_kind(key, each, "a list of texts", f'{key} = ["…"]')
        return tuple(found)

    def table(self, key: str) -> Entry | None:
        """Return the entry of a table in this one."""
        entry = self.find(key)
        if entry is not None and not isinstance(entry.value, dict):
            self.wrong_kind(key, entry, "a table", f"[{key}]")
            return None
        return entry

    def rows(self, key: str, example: str) -> list[Entry]:
        """Return the entries of a list of tables."""
        entry = self.find(key)
        if entry is None:
            return []
        if not isinstance(entry.value, list):
            self.wrong_kind(key, entry, "a list of tables", example)
            return []
        good = [each for each in entry.value if isinstance(each.value, dict)]
        for each in entry.value:
            if each not in good:
                self.wrong_kind(key, each, "a list of tables", example)
        return good

    def close(self) -> None:
        """Note each key that does not belong here; one that is missing is not told where it is only misspelt."""
        for key, entry in self.entry.value.items():
            if key not in self.asked:
                where = f"{self.name} has no key" if self.name else "a site has no key"
                close = nearest(key, self.asked)
                if close in self.missing:
                    self.mistakes.remove(self.missing.pop(close))
                mend = f"did you mean `{close}`?" if close else f"it has {_listed(sorted(self.asked))}"
                self.mistakes.append(Diagnostic("E902", f"{where} `{key}`", entry.key, help=mend))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
