"""The start of the node program: on which Pythons it can be read, and what it loads, since each of 4,000 nodes does."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hpcmake
from hpcmake.runners.local import find_node

pytest.register_assert_rewrite("node_program")

from node_program import start_object  # noqa: E402

FILES = sorted(Path(find_node()[-1]).glob("*.py"))
OLD = (3, 6)

OURS = """
__main__ answers attempts ends inlets inputs kin launched loop node output past programs rank room scratch serve slots stamps task
timers
"""
JSON = """
json json.decoder json.encoder json.scanner _json
re re._casefix re._compiler re._constants re._parser sre_compile sre_constants sre_parse _sre
_collections _collections_abc _functools _operator collections copyreg enum functools itertools keyword operator
reprlib types
"""
"""It is written in regular expressions."""
SYSTEM = """
errno fcntl gc heapq _heapq select signal ctypes ctypes._endian _ctypes struct _struct
importlib importlib._abc importlib._bootstrap importlib._bootstrap_external importlib.machinery importlib.util
contextlib runpy warnings _warnings
"""
"""Of which ctypes is for prctl, and Python runs a folder by runpy."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_read_by_an_old_python(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=OLD)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_name_that_old_pythons_lack_is_used(path: Path) -> None:
    """What came after 3.6 and is easily taken without a thought; posix_spawn is asked for before."""
    text = path.read_text(encoding="utf-8")
    lacking = r"removeprefix|removesuffix|\btime_ns|perf_counter_ns|from __future__ import annotations|capture_output"
    lacking += r"|missing_ok|dirs_exist_ok|math\.prod|pidfd_open|fromisoformat|shlex\.join|zip\(.*strict=|waitstatus_to"
    assert re.findall(lacking, text) == []


def test_little_is_loaded(tmp_path: Path) -> None:
    """A start takes as long as what it loads: 40 ms is the most that may be spent, most of it by Python itself."""
    mailbox = tmp_path / "mailbox"
    start = start_object(root=str(tmp_path), nodes=["a"], look=0.1, beat=60, tell=15, scrub=True)
    mailbox.write_text(str(start).replace("'", '"').replace("True", "true") + '\n[-1,"end"]\n')
    bare = modules("-c", "import os")
    assert modules(find_node()[-1], str(mailbox)) - bare <= set(f"{OURS} {JSON} {SYSTEM}".split())


def modules(*arguments: str) -> set[str]:
    """Return what is imported by a program that needs no input."""
    argv = [sys.executable, "-I", "-S", "-X", "importtime", *arguments]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    names = re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)
    return {name.removeprefix("node.") for name in names}


def test_it_runs_wherever_it_lies(tmp_path: Path) -> None:
    """A campaign keeps a copy of it, so that an upgrade does not touch jobs that wait."""
    place = tmp_path / "a b"
    place.mkdir()
    for path in FILES:
        (place / path.name).write_bytes(path.read_bytes())
    assert not os.path.samefile(place, os.path.dirname(hpcmake.__file__))
    done = subprocess.run([sys.executable, "-I", "-S", place], input="", capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
