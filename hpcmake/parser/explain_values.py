"""What to say about items and expressions: what is missing, and what is there in vain.

Owns the words of mistakes in values.  Knows nothing of the lines that they stand on.
"""

from __future__ import annotations

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic
from hpcmake.parser.mistake import Mistake
from hpcmake.parser.tokens import MODIFIERS
from hpcmake.text import Span
from hpcmake.units import DURATIONS, SIZES

_VALUES = frozenset({"STRING", "NUMBER", "DURATION", "SIZE", "NAME", "TRUE", "FALSE", "_EACH", "MODIFIER"})


def comma(mistake: Mistake) -> Diagnostic | None:
    """A value straight behind another."""
    if mistake.kind not in _VALUES or "_COMMA" not in mistake.expected:
        return None
    text, behind = shorten(mistake.text), mistake.behind
    if behind is not None and behind[0] == "NUMBER" and (mistake.text in DURATIONS or mistake.text in SIZES):
        span = Span(mistake.source, behind[1], mistake.end)
        help_ = f"write `{mistake.behind_text}{text}`"
        return mistake.say("E112", "there is a space between the number and its unit", help_, span)
    if mistake.kinds[0] in ("_LET", "_PARAM") and not mistake.bracket:
        help_ = "join texts with `+`, or write a list in brackets: `[a, b]`"
        return mistake.say("E121", f"an operator is missing before `{text}`", help_)
    return mistake.say("E121", f"a comma is missing before `{text}`", f"write `, {text}`")


def extra(mistake: Mistake) -> Diagnostic | None:
    """A modifier where none may stand."""
    if mistake.kind != "MODIFIER" or "NUMBER" not in mistake.expected:
        return None
    text = shorten(mistake.text)
    if text in MODIFIERS:
        return mistake.say("E113", f"the modifier `{text}` stands in front of no item", f"remove `{text}`")
    following = shorten(mistake.word(mistake.place + 1))
    message = f"`{text}` stands in front of a value, without a sign between them"
    return mistake.say(
        "E113", message, f"write a sign such as `+` between `{text}` and `{following}`, or remove one of them"
    )


def equal(mistake: Mistake) -> Diagnostic | None:
    """`=` in an expression."""
    if mistake.kind == "_EQUAL" and "EQ" in mistake.expected:
        return mistake.say("E122", "`=` does not compare", "write `==` to compare")
    return None


def comprehension(mistake: Mistake) -> Diagnostic | None:
    """What follows the clauses of a comprehension."""
    before = mistake.kinds[: mistake.place]
    if "_FOR" not in before:
        return None
    if mistake.kind == "_ELSE":
        return mistake.say(
            "E123",
            "a conditional in a clause of `for`, or in its condition, needs parentheses",
            "write `(A if CONDITION else B)`",
        )
    if mistake.kind == "_IF" and "_IF" in before:
        return mistake.say("E123", "a comprehension has one condition, at its end", "join conditions with `and`")
    if mistake.kind == "_FOR":
        return mistake.say(
            "E123",
            "the condition of a comprehension stands behind all its clauses",
            "write `ITEM for … for … if CONDITION`",
        )
    if "IN" in mistake.expected and "PLUS" not in mistake.expected:
        return mistake.say("E123", "`in` is missing in the clause", 'write `for NAME in LIST`, or `for each "PATTERN"`')
    return None


def missing(mistake: Mistake) -> Diagnostic | None:
    """Something that is needed, and is not there."""
    behind, text = mistake.behind, mistake.behind_text
    if behind is not None and behind[0] == "_EACH":
        return mistake.say("E113", "`each` is followed by a string", 'write `each "PATTERN"`')
    if mistake.kind in ("_NEWLINE", "_COMMA", "_RPAR", "_RSQB"):
        if "_ELSE" in mistake.expected:
            return mistake.say(
                "E113",
                "the conditional has no `else`",
                "write `A if CONDITION else B`; to leave something out, `else []`",
            )
        if "NUMBER" in mistake.expected and behind is not None:
            return mistake.say(
                "E113", f"a value is missing behind `{text}`", f"write a value behind `{text}`, or remove it"
            )
    if mistake.kind == "_LPAR" and mistake.kinds[:2] == ["_LET", "NAME"] and mistake.place == len(["let", "name"]):
        return mistake.say("E113", "there are no functions of one's own", "write the expression where it is needed")
    if mistake.kind == "_LPAR" and mistake.kind_at(mistake.place - 2) == "_DOT":
        return mistake.say("E113", f"`{text}` cannot be called behind a dot", f"functions are written `{text}(value)`")
    if mistake.kind == "_DOT" and mistake.kind_at(mistake.place + 1) == "NUMBER":
        return mistake.say(
            "E111",
            f"`.{mistake.word(mistake.place + 1)}` is not a number",
            f"write `0.{mistake.word(mistake.place + 1)}`",
        )
    if text == "." and mistake.kind_at(mistake.place - 2) == "NUMBER":
        number = mistake.word(mistake.place - 2)
        span = mistake.between(mistake.place - 2, mistake.place - 1)
        return mistake.say("E111", f"`{number}.` is not a number", f"write `{number}`, or `{number}.0`", span)
    if mistake.kind == "_COMMA" and mistake.bracket == "_LPAR":
        return mistake.say("E113", "parentheses hold one value", "write a list in brackets: `[a, b]`")
    if mistake.kind == "_COMMA" and mistake.kinds[0] in ("_LET", "_PARAM"):
        return mistake.say("E113", f"`{mistake.word(0)}` takes one value", "write a list in brackets: `[a, b]`")
    if mistake.kind == "_COLON" and mistake.bracket == "_LSQB":
        return mistake.say("E113", "there are no slices", "pick items with `for`: `[x for x in LIST if CONDITION]`")
    return None
