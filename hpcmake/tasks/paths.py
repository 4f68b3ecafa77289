"""Paths as the planner knows them: relative to the root, normalised by text.

Owns normalisation and natural order.  Knows nothing of the disk: `~`, `$` and `*` are letters here.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_PATH = 4095
LONGEST_NAME = 255

_DIGITS = re.compile(r"([0-9]+)")
_ODD = re.compile(r"//|(?:^|/)\.\.?(?:/|$)|^/")


def normalize(path: str, root: str = "") -> str:
    """Return a path relative to the root, without `.`, `//` and, where text can tell, `..`.

    A trailing slash, the mark of a folder, is kept.  An absolute path into `root` becomes the relative one.

    >>> normalize("./a//b/../c/")
    'a/c/'
    """
    if not _ODD.search(path):
        return path
    folder = path.endswith(("/", "/.", "/..")) or path in {".", ".."}
    if path.startswith("/"):
        text = "/" + "/".join(_simplified(path))
        if root and (text == root or text.startswith(root.rstrip("/") + "/")):
            text = text[len(root.rstrip("/")) + 1 :] or "."
    else:
        text = "/".join(_simplified(path)) or "."
    return text + "/" if folder and not text.endswith("/") and text != "." else text


def _simplified(path: str) -> list[str]:
    absolute = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not absolute:
            parts.append(part)
    return parts


def is_normal(joined: str) -> bool:
    """Tell whether every path of a text of paths, parted by NULs, is surely normal already (cheap, never wrong)."""
    return not (
        "//" in joined
        or "./" in joined
        or "/." in joined
        or "\0/" in joined
        or joined[:1] in {"/", "."}
        or "\0." in joined
    )


def natural_key(text: str) -> tuple[list[str | int], str]:
    """Return a key that puts `a2` before `a10`."""
    parts: list[str | int] = list(_DIGITS.split(text))
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, text


def natural_order(texts: Sequence[str]) -> list[str]:
    """Return texts in natural order: runs of digits by their number."""
    if len(texts) < 2:  # noqa: PLR2004  # nothing to order
        return list(texts)
    low, high = min(texts), max(texts)
    shared = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    while shared and low[shared - 1].isdigit():
        shared -= 1
    tails = {text: text[shared:] for text in texts}
    rests = [*tails.values()]
    ending = _shared_ending(rests)
    bare = [rest[: len(rest) - ending] for rest in rests]
    if all(map(str.isdecimal, bare)) and "".join(bare).isascii():
        # the usual case, a number between two constants, needs no splitting of each text
        numbers = dict(zip(tails, map(int, bare), strict=True))
        return sorted(sorted(texts), key=numbers.__getitem__)
    return sorted(texts, key=natural_key)


def _shared_ending(texts: list[str]) -> int:
    first = texts[0]
    size = min(map(len, texts))
    count = 0
    while count < size and not first[-count - 1].isdigit():
        tail = first[len(first) - count - 1 :]
        if not all(text.endswith(tail) for text in texts):
            break
        count += 1
    return count


def folder_of(path: str) -> str:
    """Return the folder that holds a path, without a trailing slash; empty for the root."""
    return path.rstrip("/").rpartition("/")[0]
