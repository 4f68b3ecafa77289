"""The program that jobs run: hpcmake as it was when they were submitted, kept with the campaign.

Owns the folder `.hpcmake/bin/HASH`, so that an upgrade does not touch queued jobs.  Knows nothing of what it runs.
"""

from __future__ import annotations

import os
import shutil
from hashlib import blake2b

from hpcmake.refusals import trouble

_MAIN = '''"""Runs one job of this campaign, or hands it over to the next."""

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
            name = _digest(package)
            path = f"{root}/bin/{name}"
            if not os.path.isdir(path):
                _make(package, path)
            _kept[where] = name
    except OSError as error:
        raise trouble(error, "keep what jobs run in", path or f"{root}/bin") from None
    return path


def _make(package: str, path: str) -> None:
    """Put a copy of the package there, as a whole.  Raises OSError."""
    fresh = f"{path}.{os.urandom(8).hex()}.new"  # drivers on two machines may have the same number
    try:
        shutil.copytree(package, f"{fresh}/hpcmake", ignore=shutil.ignore_patterns(*_LEFT_OUT))
        with open(f"{fresh}/__main__.py", "w", encoding="utf-8") as file:
            file.write(_MAIN)
        try:
            os.rename(fresh, path)
        except OSError:
            if not os.path.isdir(path):  # else another driver was faster
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _digest(package: str) -> str:
    """Return a short name of the package as it is now, by the content of its modules."""
    found = blake2b(digest_size=6)
    for folder, folders, names in sorted(os.walk(package)):
        folders[:] = sorted(set(folders) - set(_LEFT_OUT))
        for name in sorted(names):
            with open(f"{folder}/{name}", "rb") as file:
                found.update(f"{name}\0".encode() + file.read())
    return found.hexdigest()
