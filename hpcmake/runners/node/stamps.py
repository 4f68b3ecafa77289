"""Stamps: what files and folders looked like when a task had made them.

Owns the one definition of a folder's stamp.  Knows nothing of who compares them.

The stamp of a file is (mtime in ns, size).  That of a folder (a path with a trailing slash) is (digest, sum of sizes):
for everything below it one line `relpath NUL mtime_ns NUL size LF`, folders as `relpath/ NUL 0 NUL 0 LF`, in the order
of a walk that takes the names of each folder sorted by their bytes and descends into a folder right after its own line;
a symbolic link is what it points to, but for one to a folder or to nothing, which is itself; the digest is the first 8
bytes of the SHA-256 of these lines, big-endian, shifted right by one.
"""

import os
import stat

from .task import encode


def find_stamp(path: str) -> "tuple[int, int] | None":
    """Return the stamp of a file, or of a folder if the path ends in a slash; None if it is not there."""
    try:
        if path.endswith("/"):
            return stamp_folder(encode(path))
        found = os.stat(encode(path))
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def stamp_folder(folder: bytes) -> "tuple[int, int]":
    """Return the stamp of a folder, as told above.  Raises OSError."""
    import hashlib  # few tasks make folders

    digest = hashlib.sha256()
    total = 0
    todo = [(b"", sorted(os.listdir(folder), reverse=True))]
    while todo:
        prefix, names = todo[-1]
        if not names:
            todo.pop()
            continue
        name = prefix + names.pop()
        path = os.path.join(folder, name)
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            digest.update(name + b"/\0000\0000\n")
            todo.append((name + b"/", sorted(os.listdir(path), reverse=True)))
            continue
        if stat.S_ISLNK(found.st_mode) and os.path.isfile(path):
            found = os.stat(path)
        digest.update(b"%s\0%d\0%d\n" % (name, found.st_mtime_ns, found.st_size))
        total += found.st_size
    return int.from_bytes(digest.digest()[:8], "big") >> 1, total
