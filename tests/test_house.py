"""The laws of the house that neither ruff nor import-linter can hold; docs/design.md gives their reasons."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcmake.codes import CODES

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def python_files(*folders: str) -> list[str]:
    found = []
    for folder in folders:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(".py")]
    return sorted(found)


def read(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


MODULES = python_files("hpcmake")
TESTS = python_files("tests")


@pytest.mark.parametrize("path", MODULES)
def test_a_module_has_at_most_400_lines(path: str) -> None:
    assert read(path).count("\n") <= 400


@pytest.mark.parametrize("path", MODULES)
def test_a_module_says_what_it_owns_and_what_it_knows_nothing_of(path: str) -> None:
    docstring = ast.get_docstring(ast.parse(read(path))) or ""
    assert re.search(r"\b(Owns|Own)\b", docstring), "its docstring does not say what it owns"
    assert re.search(r"\b(Knows?|[Kk]nown?) (nothing|neither)\b", docstring), "nor what it knows nothing of"


# ---------------------------------------------------------------- names

VAGUE = {"manager", "handler", "helper", "helpers", "util", "utils", "base", "info", "data"}
NOT_OURS = {
    "package_data",  # setuptools' own word
    "set_handler",  # these are words of modules of the standard library
    "default_int_handler",
}


def defined_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def words_of(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def test_words_of_a_name() -> None:
    assert words_of("readDataFile") == ["read", "data", "file"]
    assert words_of("_URLHandler2") == ["url", "handler"]
    assert words_of("metadata_calls") == ["metadata", "calls"]


@pytest.mark.parametrize("path", MODULES)
def test_no_name_is_vague(path: str) -> None:
    module = os.path.splitext(os.path.basename(path))[0]
    names = [(0, module), *defined_names(ast.parse(read(path)))]
    vague = [f"{line}: {name}" for line, name in names if VAGUE & set(words_of(name)) and name not in NOT_OURS]
    assert vague == []


# ---------------------------------------------------------------- processes

STANDS_ALONE = ("hpcmake/runners/node/", "hpcmake/stamper.py", "hpcmake/testbed/commands/")
STARTS = re.compile(
    r"""os\.(posix_spawnp?|fork|forkpty|system|popen|exec[lv]p?e?|spawn[lv]p?e?)
      | (subprocess|multiprocessing|asyncio|pty|_posixsubprocess|concurrent\.futures\.process)(\..*)?""",
    re.VERBOSE,
)


def may_start_processes(path: str) -> bool:
    """The one module that does; what stands alone on a node; what plays a machine."""
    return path == "hpcmake/runners/process.py" or path.startswith(("hpcmake/runners/node/", "hpcmake/testbed/"))


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.lineno, f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("path", [path for path in MODULES if not may_start_processes(path)])
def test_processes_are_started_in_one_module(path: str) -> None:
    found = [f"{line}: {name}" for line, name in uses(ast.parse(read(path))) if STARTS.fullmatch(name)]
    assert found == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.startswith(STANDS_ALONE)])
def test_what_runs_without_hpcmake_needs_nothing_but_the_standard_library(path: str) -> None:
    imported = {name.split(".")[0] for _, name in imports(ast.parse(read(path)))}
    assert imported <= set(sys.stdlib_module_names) | {"__future__", "its own folder"}


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "its own folder" if node.level else f"{node.module}"


# ---------------------------------------------------------------- start-up

SLOW = {
    "argparse",
    "asyncio",
    "concurrent",
    "dataclasses",
    "humanfriendly",
    "inspect",
    "lark",
    "logging",
    "multiprocessing",
    "numpy",
    "pathlib",
    "psutil",
    "pyparsing",
    "rich",
    "subprocess",
    "tempfile",
    "typing",
}
# modules that no start imports, since others import them inside a function
LATE = {
    "hpcmake/parser/grammar.py": {"lark"},
    "hpcmake/runners/notation.py": {"pyparsing"},
}


@pytest.mark.parametrize(
    "path", [path for path in MODULES if not path.startswith(("hpcmake/testbed/", "hpcmake/report/"))]
)
def test_no_module_imports_slow_ones_at_its_top(path: str) -> None:
    top = ast.Module([node for node in ast.parse(read(path)).body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    slow = {name.split(".")[0] for _, name in imports(top)} & SLOW
    assert slow <= LATE.get(path, set())


def modules_of_start(folder: Path, *arguments: str) -> set[str]:
    """Return what the command imports, with a cache of its own."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "XDG_CACHE_HOME": str(folder / "cache")}
    argv = [sys.executable, "-S", "-X", "importtime", "-m", "hpcmake", *arguments]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))


# what a plan may need: the rest is for those who run, draw, ask or explain mistakes
NOT_FOR_A_PLAN = re.compile(
    r"""hpcmake\.(engine|units\..*|runners.*|report.*|drawing.*|sites.*|testbed.*|completion.*|planner\.pack.*
        |app\.(drive|lead|outcome|books|why|listing|graphs|cleaning)|parser\.(explain.*|mistake|recover|format))""",
    re.VERBOSE,
)


def test_a_dry_run_imports_nothing_slow_and_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "Wfile").write_text('rule a:\n    input: "in"\n    output: "out"\n    run: cp {input} {output}\n')
    (tmp_path / "in").touch()
    first = modules_of_start(tmp_path, "-n")
    again = modules_of_start(tmp_path, "-n")
    for modules in (first, again):
        # OpenSSL takes longer to load than a small plan to make
        assert {name.split(".")[0] for name in modules} & (SLOW | {"_hashlib", "ctypes", "socket", "ssl"}) == set()
        assert sorted(name for name in modules if NOT_FOR_A_PLAN.fullmatch(name)) == []
    assert "hpcmake.parser.compiled" in first
    assert "hpcmake.parser.compiled" not in again, "a Wfile that was read before is not parsed again"
    assert again <= first


# ---------------------------------------------------------------- layers


def test_every_module_has_its_place_in_the_layers() -> None:
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["name"] == "One direction")
    placed = {name for layer in layers for name in re.findall(r"\w+", layer)}
    present = {re.split(r"[/.]", path)[1] for path in MODULES} - {"__init__", "__main__"}
    assert present <= placed


# ---------------------------------------------------------------- codes

CODE = re.compile(r"[EW][0-9]{3}")


def codes_in(path: str) -> set[str]:
    strings = (node.value for node in ast.walk(ast.parse(read(path))) if isinstance(node, ast.Constant))
    return {each for each in strings if isinstance(each, str) and CODE.fullmatch(each)}


@pytest.mark.parametrize("path", [path for path in MODULES if path != "hpcmake/codes.py"])
def test_every_code_in_use_has_a_title(path: str) -> None:
    assert codes_in(path) <= set(CODES)


def test_every_code_is_in_use() -> None:
    used = set().union(*(codes_in(path) for path in MODULES if path != "hpcmake/codes.py"))
    assert set(CODES) - used == set()


def test_codes_are_sorted_and_well_formed() -> None:
    assert list(CODES) == sorted(CODES)
    assert [code for code in CODES if not CODE.fullmatch(code)] == []
    assert [title for title in CODES.values() if title.endswith(".") or not title] == []


def test_every_code_is_explained() -> None:
    sections = re.findall(r"^### ([EW][0-9]{3})\n\n\*(.*)\*$", read("docs/errors.md"), re.MULTILINE)
    explained = [code for code, _ in sections]
    assert sorted(set(CODES) - set(explained)) == [], "not explained in docs/errors.md"
    assert sorted(set(explained) - set(CODES)) == [], "explained in docs/errors.md, but not in hpcmake/codes.py"
    assert explained == sorted(explained), "not in order"
    assert dict(sections) == CODES, "the title below the heading is not that of hpcmake/codes.py"


# ---------------------------------------------------------------- tests


@pytest.mark.parametrize("path", TESTS)
def test_no_test_sleeps_or_is_left_out(path: str) -> None:
    found = []
    for line, name in uses(ast.parse(read(path))):
        if name in {"time.sleep", "pytest.skip", "pytest.xfail", "pytest.importorskip", "unittest.skip"}:
            found.append(f"{line}: {name}")
        if name in {"mark.skip", "mark.skipif", "mark.xfail"}:
            found.append(f"{line}: {name}")
    marks = re.findall(r"pytest\.mark\.(?:skip|skipif|xfail)\b(?![\"'|)])", read(path))
    assert found + marks == []


# ---------------------------------------------------------------- the project stands alone

TEXTS = (".md", ".py", ".toml", ".lark", ".bash", ".dat", ".txt", "Wfile", "check", "try", "run")
OF_ONE_MACHINE = re.compile(r"(?<![\w.{}$*])/(?:home|root|work|Users)/[\w.]")


def project_files() -> Iterator[str]:
    for folder in ("", ".ci", "benchmarks", "docs", "examples", "grammar", "hpcmake", "tests"):
        for place, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = (
                [] if folder == "" else [each for each in folders if each not in {"_build", ".hpcmake", "__pycache__"}]
            )
            yield from (os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(TEXTS))


def test_no_file_names_a_place_of_one_machine() -> None:
    found = []
    for path in project_files():
        if path.startswith("tests/"):
            continue  # tests make up places
        for number, line in enumerate(read(path).splitlines(), 1):
            if OF_ONE_MACHINE.search(line):
                found.append(f"{path}:{number}: {line.strip()}")
    assert found == []


def test_every_link_between_documents_leads_to_a_file() -> None:
    broken = []
    for path in (each for each in project_files() if each.endswith(".md")):
        prose = re.sub(r"^```.*?^```", "", read(path), flags=re.MULTILINE | re.DOTALL)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            there = os.path.normpath(os.path.join(ROOT, os.path.dirname(path), link))
            if "://" not in link and not (os.path.exists(there) and there.startswith(ROOT)):
                broken.append(f"{path}: {link}")
    assert broken == []
