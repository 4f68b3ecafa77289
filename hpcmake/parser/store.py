"""What the parser keeps between runs, in the user's cache folder.

Owns the names, the checksums and the atomic writing of these files.  Knows nothing of what is in them; nothing is lost
when they are: a folder that cannot be read or written, or a damaged file, is as good as an empty one.
"""

from __future__ import annotations

import os

try:
    from _blake2 import blake2b  # hashlib brings OpenSSL along, which takes 3 ms of each start
except ImportError:
    from hashlib import blake2b

_AT_MOST = 100  # files: each edit of a Wfile leaves one
_SIZE = 32  # bytes of a checksum


def digest(*parts: str | bytes) -> str:
    """Return a name that no other sequence of parts has."""
    made = blake2b(digest_size=20)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.hexdigest()


def _checksum(kept: bytes) -> bytes:
    return blake2b(kept, digest_size=_SIZE).digest()


def folder() -> str:
    """Return the folder: `$XDG_CACHE_HOME/hpcmake`, or `~/.cache/hpcmake`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):  # as the XDG specification has it
        root = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(root, "hpcmake")


def find_stored(name: str) -> bytes | None:
    """Return what was stored under a name, or None if there is nothing or it is damaged."""
    try:
        with open(os.path.join(folder(), name), "rb") as file:
            raw = file.read()
    except OSError:
        return None
    kept = raw[_SIZE:]
    return kept if _checksum(kept) == raw[:_SIZE] else None


def store(name: str, kept: bytes) -> None:
    """Store something under a name, whole or not at all; what was stored long ago makes room."""
    path = os.path.join(folder(), name)
    draft = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder(), mode=0o700, exist_ok=True)
        with open(draft, "wb") as file:
            file.write(_checksum(kept) + kept)
        os.replace(draft, path)
        _make_room()
    except OSError:
        try:
            os.unlink(draft)
        except OSError:
            return


def _make_room() -> None:
    """Remove the oldest files while there are too many."""
    with os.scandir(folder()) as entries:
        files = sorted((entry.stat().st_mtime_ns, entry.path) for entry in entries)
    for _, path in files[: max(0, len(files) - _AT_MOST)]:
        os.unlink(path)
