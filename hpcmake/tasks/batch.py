"""What stands in a batch: templates of attempts, and the marks in them.

Owns how a template is filled.  Knows nothing of who makes batches, nor of who runs them.
"""

from __future__ import annotations

from json import dumps
from os.path import relpath

from hpcmake.tasks.quoting import quote_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.tasks.patterns import Pattern

NAMED = "produced"
"""The name by which a `post` calls what its task has produced."""

PRODUCED = "hpcmake produced"
"""What stands in a `post` for the files that its task will have produced: it needs quotes, so it is found by them."""

INPUTS = "hpcmake inputs {}"
"""What stands for the files of an item of `input`, by its position, if some may be left out: it needs quotes too."""


def row_texts(values: Iterable[str], outputs: Iterable[str], inputs: Iterable[str], stem: str) -> list[str]:
    """Return the texts of a task that its row holds anyway, as they stand inside JSON.

    `inputs` are those of items of one file each, "" for the others; `stem` is how its files of lists begin.
    """
    return [dumps(each)[1:-1] for each in (*values, *outputs, *inputs, stem)]


def fill_template(template: Sequence[str | int], values: Sequence[str]) -> str:
    """Return a text whose pieces are given, or are the numbers of values."""
    return "".join([piece if isinstance(piece, str) else values[piece] for piece in template])


def fill_text(text: str, mark: str, paths: Iterable[str]) -> str:
    """Return shell text in which paths, as words, are put in the place of a mark."""
    word = quote_word(mark)
    return text.replace(word, " ".join(map(quote_word, paths))) if word in text else text


def fill_words(words: Iterable[str], mark: str, paths: Sequence[str]) -> list[str]:
    """Return words, of which paths take the place of a mark."""
    found: list[str] = []
    for word in words:
        found += paths if word == mark else (word,)
    return found


def seen_from(path: str, workdir: str) -> str:
    """Return a path as it is called in a working folder, "" for the root."""
    if not workdir or path.startswith("/"):
        return path
    found = relpath(path, workdir)
    return found + "/" if path.endswith("/") else found


def render_pattern(pattern: Pattern) -> list[object]:
    """Return a pattern as values for JSON."""
    return [list(pattern.literals), list(pattern.places), dict(pattern.constraints)]
