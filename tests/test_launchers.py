"""What `{launch}` stands for on one machine."""

from pathlib import Path

import pytest

from hpcmake.model import Resources
from hpcmake.runners.launchers import find_mpiexec, mpiexec


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, *, mode: int = 0o755) -> None:
    (folder / name).touch()
    (folder / name).chmod(mode)


def test_without_a_launcher_there_is_none(folder: Path) -> None:
    install(folder, "mpiexec", mode=0o644)
    assert find_mpiexec() is None
    assert mpiexec(Resources(ranks=4)) == ["mpiexec", "-n", "4"]


def test_the_standard_name_wins(folder: Path) -> None:
    install(folder, "mpirun")
    assert find_mpiexec() == "mpirun"
    install(folder, "mpiexec")
    assert find_mpiexec() == "mpiexec"


@pytest.mark.parametrize(
    ("resources", "ranks"),
    [
        (Resources(ranks=4), "4"),
        (Resources(nodes=1), "1"),
        (Resources(nodes=2, ranks_per_node=3), "6"),
        (Resources(nodes=2, ranks_per_node=3, ranks=5), "5"),
    ],
)
def test_ranks_are_those_of_all_nodes(folder: Path, resources: Resources, ranks: str) -> None:
    assert mpiexec(resources) == ["mpiexec", "-n", ranks]
