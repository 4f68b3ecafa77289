"""What to say about a token that may not stand where it does: what is so, and the edit that would work.

Owns the order in which explanations are tried, and the last resort.  Knows nothing of how reading goes on behind them.
"""

from __future__ import annotations

from hpcmake.braces import shorten
from hpcmake.diagnostics import Diagnostic
from hpcmake.parser import explain_lines, explain_values
from hpcmake.parser.mistake import Mistake, either
from hpcmake.parser.tokens import KEYWORDS, OPERATORS

_WORDS = {
    **{terminal: f"`{sign}`" for sign, terminal in OPERATORS.items()},
    **{terminal: f"`{word}`" for word, terminal in KEYWORDS.items()},
    "_ON": "`on`",
    "_OVER": "`over`",
    "NAME": "a name",
    "STRING": "a string",
    "_NEWLINE": "the end of the line",
}

_EXPLANATIONS = (
    explain_lines.indent,
    explain_lines.empty,
    explain_lines.statement,
    explain_lines.in_block,
    explain_lines.member,
    explain_lines.reserved,
    explain_lines.colon,
    explain_values.equal,
    explain_values.comprehension,
    explain_values.missing,
    explain_values.extra,
    explain_values.comma,
)


def explain(mistake: Mistake) -> Diagnostic:
    """Return what is wrong, by the first explanation that fits."""
    for explanation in _EXPLANATIONS:
        found = explanation(mistake)
        if found is not None:
            return found
    return _anything(mistake)


def _anything(mistake: Mistake) -> Diagnostic:
    """The last resort: what may stand there instead."""
    expected = mistake.expected
    if "NUMBER" in expected:
        wanted = "a value"
    else:
        names = [_WORDS[kind] for kind in _WORDS if kind in expected and kind not in ("PLUS", "MINUS")]
        wanted = either(names) if 0 < len(names) <= 4 else "the end of the line" if "_NEWLINE" in expected else ""  # noqa: PLR2004
    if mistake.kind == "_NEWLINE":
        message = "the line ends too early"
    elif mistake.kind in ("_DEDENT", "$END"):
        message = "the block ends too early"
    else:
        message = f"`{shorten(mistake.text)}` may not stand here"
    after = mistake.behind_text
    if wanted == "the end of the line":
        return mistake.say("E113", message, f"remove `{shorten(mistake.text)}`, or put it on a line of its own")
    help_ = (
        f"write {wanted}{f' behind `{after}`' if after else ''}"
        if wanted
        else "remove it, or put the expression in `( )`"
    )
    return mistake.say("E113", message, help_, label=f"expected {wanted}" if wanted else "")
