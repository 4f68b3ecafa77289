"""Prints what an environment lacks of this project's requirements: one requirement a line, nothing if it is complete.

Called as `python -I .ci/missing.py EXTRA…` by ./try and ./check.
"""

import os
import sys
import tomllib
from importlib import metadata

from pip._vendor.packaging.requirements import Requirement  # every environment has pip, and few have packaging

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def missing(extras: list[str]) -> list[str]:
    """Return the requirements of the package and of some extras that are not met here."""
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        project = tomllib.load(file)["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return ["hpcmake"] * (not _is_here()) + [each for each in wanted if not _is_met(Requirement(each))]


def _is_met(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def _is_here() -> bool:
    """Whether this checkout is installed in place, and not another one or a copy."""
    try:
        import hpcmake  # the question itself
    except ImportError:
        return False
    script = os.path.join(os.path.dirname(sys.executable), "hpcmake")
    return hpcmake.__file__ == os.path.join(ROOT, "hpcmake", "__init__.py") and os.path.exists(script)


if __name__ == "__main__":
    print("\n".join(missing(sys.argv[1:])), end="")
