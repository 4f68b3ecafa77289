"""Looks at files for another process: takes paths with NULs between them on stdin, gives their stamps on stdout.

Owns nothing: it stands alone (`PYTHON -I -S stamper.py`), beside `stamps.py` that starts it.  Knows nothing of others.

What it gives are mtimes in ns and sizes, as 64-bit numbers of this machine, all of the one and then all of the other,
and one byte a path: 0 nothing is there, 1 it is, 2 somebody else has to look, since it is a folder or was refused.
"""

import os
from array import array


def main() -> None:
    """Look at all that stdin names."""
    pieces = []
    while piece := os.read(0, 1 << 20):
        pieces.append(piece)
    paths = b"".join(pieces).split(b"\0")
    mtimes = array("q", [-1]) * len(paths)
    sizes = array("q", [0]) * len(paths)
    kinds = bytearray(len(paths))
    stat = os.stat
    for at, path in enumerate(paths):
        if path.endswith(b"/"):
            kinds[at] = 2
            continue
        try:
            found = stat(path)
        except FileNotFoundError:
            continue
        except OSError:
            kinds[at] = 2
        else:
            mtimes[at] = found.st_mtime_ns
            sizes[at] = found.st_size
            kinds[at] = 1
    rest = memoryview(mtimes.tobytes() + sizes.tobytes() + kinds)
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    main()
