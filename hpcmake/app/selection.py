"""The conditions of `ls --where`: `state = failed and rule = dock`.

Owns their syntax.  Knows nothing of tasks beyond the names of their fields.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from hpcmake.app.tasks import Account
    from hpcmake.planner.rules import Rule

FIELDS = ("state", "rule", "task", "reason", "tries", "time", "memory", "node", "job")
_TOKEN = re.compile(r"\s*(?:(\(|\)|!=|<=|>=|=|<|>|~)|\"([^\"]*)\"|'([^']*)'|([^\s()=!<>~\"']+))")


STATES = ("done", "running", "queued", "stale", "failed", "interrupted", "given up", "unknown", "omitted")


def parse_where(text: str, rules: Iterable[Rule] | None = None) -> Callable[[Account], bool]:
    """Return a condition on tasks: comparisons by `= != < <= > >= ~` (holds the text), `and`, `or`, `not`, brackets.

    A field is one of FIELDS or a wildcard of one of the rules; None: they are not known yet, and any word may be one.
    Raises Trouble for what is no condition.
    """
    return _Reader(text, None if rules is None else list(rules)).whole()


class _Reader:
    def __init__(self, text: str, rules: list[Rule] | None) -> None:
        self.rules = rules
        self.source = Source("--where", text)
        self.tokens: list[tuple[str, str, int, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                self.fail("this cannot be read", at, len(text))
            sign, double, single, word = found.groups()
            kind = "sign" if sign else "word" if word is not None else "text"
            value = next(each for each in (sign, double, single, word) if each is not None)
            self.tokens.append((kind, value, found.end() - len(found.group().lstrip()), found.end()))
            at = found.end()
        self.at = 0

    def fail(self, message: str, start: int, end: int, help_: str = "") -> NoReturn:
        help_ = help_ or "write for example `state = failed and rule = dock`, or `time > 10m`"
        raise Trouble(Diagnostic("E813", message, Span(self.source, start, max(end, start + 1)), help=help_))

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) and self.tokens[self.at][0] != "text" else ""

    def whole(self) -> Callable[[Account], bool]:
        if not self.tokens:
            self.fail("an empty condition", 0, 1)
        found = self.either()
        if self.at < len(self.tokens):
            _, value, start, end = self.tokens[self.at]
            self.fail(f"`{value}` stands where the condition should end", start, end)
        return found

    def either(self) -> Callable[[Account], bool]:
        parts = [self.both()]
        while self.peek() == "or":
            self.at += 1
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda account: any(part(account) for part in parts)

    def both(self) -> Callable[[Account], bool]:
        parts = [self.single()]
        while self.peek() == "and":
            self.at += 1
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else lambda account: all(part(account) for part in parts)

    def single(self) -> Callable[[Account], bool]:
        if self.peek() == "not":
            self.at += 1
            inner = self.single()
            return lambda account: not inner(account)
        if self.peek() == "(":
            self.at += 1
            inner = self.either()
            if self.peek() != ")":
                end = len(self.source.text)
                self.fail("a bracket is not closed", end - 1, end)
            self.at += 1
            return inner
        return self.comparison()

    def comparison(self) -> Callable[[Account], bool]:
        end = len(self.source.text)
        if self.at + 2 >= len(self.tokens) and (self.at + 2 > len(self.tokens) - 1 or self.at >= len(self.tokens)):
            self.fail(
                "a comparison is FIELD SIGN VALUE",
                self.tokens[self.at][2] if self.at < len(self.tokens) else end - 1,
                end,
            )
        _, field, start, stop = self.tokens[self.at]
        kind, sign, sign_start, sign_stop = self.tokens[self.at + 1]
        if kind != "sign" or sign in "()":
            self.fail(f"`{sign}` stands where a sign should: = != < <= > >= ~", sign_start, sign_stop)
        _, value, value_start, value_stop = self.tokens[self.at + 2]
        words = [value]
        self.at += 3
        # `state = given up`: a value of several words goes on up to `and`, `or` or a bracket
        while (
            self.at < len(self.tokens) and self.tokens[self.at][0] == "word" and self.peek() not in {"and", "or", "not"}
        ):
            words.append(self.tokens[self.at][1])
            self.at += 1
        return self.compare(field, sign, " ".join(words), (start, stop), (value_start, value_stop))

    def compare(
        self, field: str, sign: str, value: str, at: tuple[int, int], value_at: tuple[int, int]
    ) -> Callable[[Account], bool]:
        if field in {"time", "memory", "tries"}:
            wanted = self.quantity(field, value, value_at)
            return lambda account: _holds(getattr(account, field), sign, wanted)
        if field in FIELDS:
            self.check_word(field, sign, value, value_at)
            if field == "job":
                return lambda account: _is_of_job(account, sign, value)
            attribute = "name" if field == "task" else field
            return lambda account: _holds_text(str(getattr(account, attribute)), sign, value)

        if self.rules is not None:
            known = dict.fromkeys([*FIELDS, *(name for rule in self.rules for name in rule.wildcards)])
            if field not in known:
                hint = did_you_mean(field, known) or f"fields are: {', '.join(known)}"
                self.fail(f"unknown field `{field}`", *at, hint)

        def by_wildcard(account: Account) -> bool:
            names = account.table.rule.wildcards
            return field in names and _holds_text(account.table.values(account.row)[names.index(field)], sign, value)

        return by_wildcard

    def check_word(self, field: str, sign: str, value: str, at: tuple[int, int]) -> None:
        """Refuse a state or a rule that no task can have: it is misspelt."""
        if sign not in {"=", "!="}:
            return
        if field == "state" and value not in STATES:
            self.fail(
                f"there is no state `{value}`", *at, did_you_mean(value, STATES) or f"states are: {', '.join(STATES)}"
            )
        if field == "rule" and self.rules is not None:
            names = [rule.name for rule in self.rules]
            if value not in names:
                self.fail(
                    f"there is no rule `{value}`",
                    *at,
                    did_you_mean(value, names) or f"rules are: {', '.join(names[:8])}",
                )

    def quantity(self, field: str, value: str, at: tuple[int, int]) -> float:
        try:
            if field == "tries":
                return int(value)
            return parse_duration(value) if field == "time" else parse_size(value)
        except (ValueError, UnitError) as problem:
            self.fail(f"`{value}` is no value for `{field}`", *at, str(problem))


def _holds(found: float | None, sign: str, wanted: float) -> bool:
    if found is None:
        return sign == "!="
    return {
        "=": found == wanted,
        "!=": found != wanted,
        "<": found < wanted,
        "<=": found <= wanted,
        ">": found > wanted,
        ">=": found >= wanted,
    }.get(sign, False)


def _is_of_job(account: Account, sign: str, wanted: str) -> bool:
    """Compare a job by its id, which may be cut as people write it, or by its key."""
    if sign in {"=", "!="}:
        same = wanted in {account.job, account.job.partition(".")[0], account.key}
        return same == (sign == "=")
    return _holds_text(account.job, sign, wanted)


def _holds_text(found: str, sign: str, wanted: str) -> bool:
    if sign == "~":
        return wanted in found
    return {
        "=": found == wanted,
        "!=": found != wanted,
        "<": found < wanted,
        "<=": found <= wanted,
        ">": found > wanted,
        ">=": found >= wanted,
    }[sign]
