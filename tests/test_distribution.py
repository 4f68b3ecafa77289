"""Each way of installing hpcmake carries the grammar, which lies outside the package: wheel, source, in place."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# this checkout may be installed in place, too: it is taken off the path
PARSE = """
import sys
sys.path = [{folder!r}] + [each for each in sys.path if each != {root!r}]
import site
site.addsitedir({folder!r})
import hpcmake
assert hpcmake.__file__.startswith({within!r}), hpcmake.__file__
from hpcmake.parser.parse import parse
from hpcmake.text import Source
tree = parse(Source("Wfile", 'rule r:\\n    output: "x"\\n    run: touch x\\n'))
print(tree.statements[0].name.id)
"""


def parsing(folder: str, within: str) -> str:
    """A program that parses a Wfile with what is installed in one folder and lies within another."""
    return PARSE.format(folder=folder, within=within, root=ROOT)


def python(*arguments: str, cwd: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A copy of what a package is made of, since building leaves traces where it is done."""
    copy = str(tmp_path_factory.mktemp("source"))
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(os.path.join(ROOT, name), copy)
    for name in ("hpcmake", "grammar"):
        shutil.copytree(
            os.path.join(ROOT, name),
            os.path.join(copy, name),
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return copy


@pytest.fixture(scope="module")
def built(source: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the sdist, and the wheel that was made from what is in the sdist."""
    folder = str(tmp_path_factory.mktemp("dist"))
    python("-m", "build", "--no-isolation", "--outdir", folder, source, cwd=folder)
    return folder


def the_one(folder: str, ending: str) -> str:
    found = [name for name in os.listdir(folder) if name.endswith(ending)]
    assert len(found) == 1, found
    return os.path.join(folder, found[0])


def test_the_grammar_is_written_once(source: str) -> None:
    link = os.path.join(source, "hpcmake", "parser", "wfile.lark")
    assert os.readlink(link) == "../../grammar/wfile.lark"


def test_the_wheel_parses_a_wfile(built: str, tmp_path: str) -> None:
    with zipfile.ZipFile(the_one(built, ".whl")) as wheel:
        wheel.extractall(tmp_path)
    assert not os.path.islink(os.path.join(tmp_path, "hpcmake", "parser", "wfile.lark"))
    folder = str(tmp_path)
    assert python("-c", parsing(folder, folder), cwd=folder, XDG_CACHE_HOME=folder) == "r\n"


def test_the_wheel_holds_the_package_and_nothing_else(built: str) -> None:
    with zipfile.ZipFile(the_one(built, ".whl")) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"hpcmake"}
    assert [name for name in names if "__pycache__" in name] == []
    carried = {name for name in names if not name.endswith(".py") and ".dist-info/" not in name}
    present = set()
    for place, _, files in os.walk(os.path.join(ROOT, "hpcmake")):
        present |= {
            os.path.relpath(os.path.join(place, each), ROOT) for each in files if not each.endswith((".py", ".pyc"))
        }
    assert carried == present, "pyproject.toml: [tool.setuptools.package-data]"


def test_the_sdist_parses_a_wfile(built: str, tmp_path: str) -> None:
    with tarfile.open(the_one(built, ".tar.gz")) as sdist:
        sdist.extractall(tmp_path, filter="data")
    folder = the_one(str(tmp_path), "")
    assert os.path.exists(os.path.join(folder, "grammar", "wfile.lark"))
    assert python("-c", parsing(folder, folder), cwd=folder, XDG_CACHE_HOME=folder) == "r\n"


def test_an_editable_install_parses_a_wfile(source: str, tmp_path: str) -> None:
    folder = str(tmp_path)
    hook = "import sys, setuptools.build_meta as backend; backend.build_editable(sys.argv[1])"
    python("-c", hook, folder, cwd=source)
    with zipfile.ZipFile(the_one(folder, ".whl")) as wheel:
        wheel.extractall(folder)
    assert not os.path.exists(os.path.join(folder, "hpcmake"))
    assert python("-c", parsing(folder, source), cwd=folder, XDG_CACHE_HOME=folder) == "r\n"
