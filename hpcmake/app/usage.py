"""Mistakes in the words behind a verb.

Owns their form.  Knows nothing of the verbs.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, nearest
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def usage(message: str, text: str = "", *, help_: str = "") -> Trouble:
    """Return a mistake of usage, shown with the words of the command line."""
    source = Source("the command line", text)
    return Trouble(Diagnostic("E808", message, Span(source, 0, len(text)) if text else None, help=help_))


def with_verbs(trouble: Trouble, words: Sequence[str]) -> Trouble:
    """Return the mistake of an unknown target; if its first word is like a verb, the mend says so."""
    from hpcmake.options import VERBS

    first = trouble.diagnostics[0] if len(trouble.diagnostics) == 1 and words else None
    is_unknown = first is not None and first.code == "E412" and " is a rule" not in first.message
    verb = nearest(words[0], VERBS) if is_unknown else None
    if first is None or verb is None or first.span is None or first.span.text != words[0] or verb == words[0]:
        return trouble
    if first.help.startswith("did you mean"):
        return Trouble(first.replace(help=f"{first.help}\nor the verb: `hpcmake {verb}`?"))
    mended = f"did you mean the verb, `hpcmake {' '.join([verb, *words[1:]])}`?"
    return Trouble(first.replace(help="\n".join([mended, first.help] if first.help else [mended])))
