"""What the documentation shows is true: every Wfile in it is one."""

import os
import re

import pytest
from campaigns import Campaign

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.parser.parse import parse
from hpcmake.text import Source

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FENCE = re.compile(r"^```wfile\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MISTAKE = re.compile(r"### (?P<code>[EW][0-9]{3})\n.*?^```wfile-wrong\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[str]:
    found = ["README.md"]
    for place, _, names in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(".md")]
    return sorted(path for path in found if "_build" not in path)


def wfiles() -> list[tuple[str, str]]:
    """Each Wfile in the documents, and its place: `docs/tutorial.md:12`."""
    found = []
    for path in documents():
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        found += [(f"{path}:{text.count(chr(10), 0, each.start()) + 2}", each[1]) for each in FENCE.finditer(text)]
    return found


@pytest.mark.parametrize(("place", "text"), wfiles(), ids=[place for place, _ in wfiles()])
def test_a_wfile_in_the_documentation_is_one(place: str, text: str) -> None:
    try:
        parse(Source(place, text))
    except Trouble as trouble:
        pytest.fail(render_all(trouble.diagnostics))


def mistakes() -> list[tuple[str, str]]:
    """Each code of the catalogue with the Wfile that shows it, where there is one."""
    with open(os.path.join(ROOT, "docs", "errors.md"), encoding="utf-8") as file:
        sections = re.split(r"^(?=### )", file.read(), flags=re.MULTILINE)
    return [(each["code"], each["text"]) for each in map(MISTAKE.match, sections) if each]


@pytest.mark.parametrize(("code", "text"), mistakes(), ids=[code for code, _ in mistakes()])
def test_the_example_of_an_error_gives_that_error(code: str, text: str) -> None:
    """A reader who tries it, in an empty folder, sees this error."""
    try:
        found = Campaign(text).plan().warnings()
    except Trouble as trouble:
        found = list(trouble.diagnostics)
    assert code in {each.code for each in found}


def test_there_are_wfiles_in_the_documentation() -> None:
    assert {place.split(":")[0] for place, _ in wfiles()} >= {
        "README.md",
        "docs/howto.md",
        "docs/language.md",
        "docs/tutorial.md",
    }


def test_the_first_wfile_of_the_readme_is_the_example() -> None:
    """The readme shows it without its comments."""
    with open(os.path.join(ROOT, "examples", "Wfile"), encoding="utf-8") as file:
        example = re.sub(r"^#.*\n\n?", "", file.read(), flags=re.MULTILINE)
    assert wfiles()[0][1] == example
