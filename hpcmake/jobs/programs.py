"""The program that jobs run: hpcmake as it was when they were submitted, kept with the campaign.

Owns the folder `.hpcmake/bin/HASH`, so that an upgrade does not touch queued jobs.  Knows nothing of what it runs.
"""

from __future__ import annotations

import os
import shutil
from hashlib import blake2b

from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAIN = b'''"""Runs one job of this campaign, or hands it over to the next."""

import sys

from hpcmake.app.in_job import main

sys.exit(main(sys.argv[1:]))
'''
_LEFT_OUT = ("__pycache__", "testbed")


_kept: dict[str, str] = {}
"""What this process has found or made, by the absolute path of `.hpcmake`."""


def require_program(root: str) -> str:
    """Return the path of the folder that Python can run; it is made if it is not there.  Raises Trouble.

    In one process it is always the same: what is installed later may not fit what this process writes.
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    where = os.path.abspath(root)
    path = f"{root}/bin/{_kept[where]}" if where in _kept else ""
    try:
        if not path or not os.path.isdir(path):
            modules = dict(_modules(package))
            name = _digest(modules)
            path = f"{root}/bin/{name}"
            if not os.path.isdir(path):
                _make(modules, path)
            _kept[where] = name
    except OSError as error:
        raise trouble(error, "keep what jobs run in", path or f"{root}/bin") from None
    return path


def _modules(package: str) -> Iterator[tuple[str, bytes]]:
    """Yield the path of each module in the package, and what it holds.  Raises OSError."""
    for folder, folders, names in os.walk(package):
        folders[:] = sorted(set(folders) - set(_LEFT_OUT))
        for name in sorted(names):
            with open(f"{folder}/{name}", "rb", buffering=0) as file:
                yield f"{folder[len(package) :]}/{name}", file.readall()


def _make(modules: Mapping[str, bytes], path: str) -> None:
    """Put a copy of the package there, as a whole.  Raises OSError."""
    fresh = f"{path}.{os.urandom(8).hex()}.new"  # drivers on two machines may have the same number
    try:
        for folder in dict.fromkeys(os.path.dirname(name) for name in modules):
            os.makedirs(f"{fresh}/hpcmake{folder}", exist_ok=True)
        for name, content in (*((f"/hpcmake{name}", raw) for name, raw in modules.items()), ("/__main__.py", _MAIN)):
            with open(fresh + name, "wb", buffering=0) as file:
                file.write(content)
        try:
            os.rename(fresh, path)
        except OSError:
            if not os.path.isdir(path):  # else another driver was faster
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _digest(modules: Mapping[str, bytes]) -> str:
    """Return a short name of the package as it is now, by the content of its modules."""
    found = blake2b(digest_size=6)
    for name, content in sorted(modules.items()):
        found.update(b"%b\0%d\0" % (name.encode(), len(content)))
        found.update(content)
    return found.hexdigest()
