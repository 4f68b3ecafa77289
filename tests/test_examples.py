"""Each example, run in a copy of its folder as a user would, with its results compared with what is known."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")
ALL = [".", "docking", "events", "legs", "melt"]
MADE = [
    "*.npy",
    "results.dat",
    "vina.txt",
    "docked",
    "tables",
    "ranking.csv",
    "scores.png",
    "verified",
    "grids",
    "merged",
    "events",
    "runs",
    "work",
    "lammps.txt",
    "isotherms.*",
]
MADE += [".hpcmake", "__pycache__", "*.part"]
# Open MPI's mpiexec asks this of root, and counts cores otherwise than hpcmake does
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
}
PNG = b"\x89PNG\r\n\x1a\n"


def copied(example: str, tmp_path: Path) -> Path:
    """The sources of an example, without what it made in the checkout, and without the examples inside it."""
    unwanted = shutil.ignore_patterns(*MADE, *(ALL if example == "." else []))
    return Path(shutil.copytree(os.path.join(EXAMPLES, example), tmp_path / "campaign", ignore=unwanted))


def hpcmake(root: Path, *arguments: str, path: str | None = None, exit_code: int = 0) -> tuple[str, str]:
    """What hpcmake wrote to stdout and stderr; `python` in commands is the one that runs the tests."""
    if path is None:
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HPCMAKE")}
    environment = kept | OPEN_MPI | {"PATH": path}
    command = [sys.executable, "-m", "hpcmake", "-C", str(root), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == exit_code, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout, done.stderr


def planned(root: Path, *arguments: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The stale tasks of a plan, and its summary."""
    lines = [json.loads(line) for line in hpcmake(root, "-n", "--json", *arguments)[0].splitlines()]
    return [line for line in lines if line["kind"] == "task"], lines[-1]


def assert_nothing_to_do(root: Path, *arguments: str) -> None:
    """Neither the plan nor a run finds work, and a run touches no file."""
    tasks, summary = planned(root, *arguments)
    assert tasks == []
    assert (summary["kind"], summary["stale"], summary["unknown"]) == ("summary", 0, 0)
    hpcmake(root, "-q", *arguments)
    before = stamps(root)
    hpcmake(root, *arguments)
    assert stamps(root) == before


def stamps(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if ".hpcmake" not in path.parts}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def names(root: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in root.glob(pattern))


@pytest.mark.parametrize("example", ALL)
def test_an_example_has_a_readme_of_about_ten_lines(example: str) -> None:
    with open(os.path.join(EXAMPLES, example, "README.md"), encoding="utf-8") as text:
        assert 9 <= len(text.readlines()) <= 12


@pytest.mark.parametrize("example", ALL)
def test_an_example_has_no_mistakes(example: str, tmp_path: Path) -> None:
    hpcmake(copied(example, tmp_path), "check")


# ---------------------------------------------------------------- matrices


def assert_results_are_of_these_matrices(root: Path) -> int:
    matrices = [np.load(path) for path in root.glob("output*.npy")]
    assert 2 <= len(matrices) <= 6
    assert all(10 <= len(matrix) <= 100 for matrix in matrices)
    assert names(root, "eigvals*.npy") == [name.replace("output", "eigvals") for name in names(root, "output*.npy")]
    values = np.sort(np.concatenate([np.linalg.eigvalsh(matrix) for matrix in matrices]))
    np.testing.assert_allclose(np.loadtxt(root / "results.dat"), [*values[:5], *values[-5:]], atol=1e-10)
    return len(matrices)


def test_the_number_of_matrices_is_known_only_after_a_task_has_run(tmp_path: Path) -> None:
    root = copied(".", tmp_path)
    tasks, summary = planned(root)
    assert [task["rule"] for task in tasks] == ["generate"]
    assert summary["unknown"] > 0
    hpcmake(root)
    assert_results_are_of_these_matrices(root)
    assert_nothing_to_do(root)


def test_another_number_of_matrices_leaves_nothing_of_the_old_ones(tmp_path: Path) -> None:
    root = copied(".", tmp_path)
    wfile = (root / "Wfile").read_text(encoding="utf-8")
    numbers = []
    for seed in (0, 11, 1):  # seeds of six, two and four matrices
        (root / "Wfile").write_text(wfile.replace("python parent.py", f"python parent.py {seed}"), encoding="utf-8")
        hpcmake(root)
        numbers.append(assert_results_are_of_these_matrices(root))
    assert numbers == [6, 2, 4]
    assert_nothing_to_do(root)


def test_matrices_are_drawn_anew_by_forcing_the_rule(tmp_path: Path) -> None:
    root = copied(".", tmp_path)
    hpcmake(root)
    first = (root / "results.dat").read_text(encoding="utf-8")
    hpcmake(root, "-R", "generate")
    assert (root / "results.dat").read_text(encoding="utf-8") != first
    assert_results_are_of_these_matrices(root)
    assert_nothing_to_do(root)


# ---------------------------------------------------------------- docking

VINA = pytest.mark.needs(program="vina")


@VINA
def test_docking_finds_the_known_scores(tmp_path: Path) -> None:
    root = copied("docking", tmp_path)
    hpcmake(root, "verify", "all")

    found = {(row["protein"], row["ligand"]): float(row["affinity"]) for row in rows(root / "ranking.csv")}
    known = {(row["protein"], row["ligand"]): float(row["affinity"]) for row in rows(root / "known.csv")}
    assert found.keys() == known.keys()
    assert len(known) == 12
    for pair, affinity in known.items():
        assert found[pair] == pytest.approx(affinity, abs=0.5, rel=0.1), pair

    ranking = rows(root / "ranking.csv")
    assert [row["rank"] for row in ranking] == [str(rank) for rank in range(1, 13)]
    assert (ranking[0]["protein"], ranking[0]["ligand"]) == ("1iep", "imatinib")
    assert rows(root / "tables/1uw6.csv")[0]["ligand"] == "nicotine"
    assert (root / "scores.png").read_bytes().startswith(PNG)
    assert (root / "verified").read_bytes() == b""
    assert_nothing_to_do(root, "verify", "all")

    tasks, _ = planned(root, "-W", "ligands/nicotine.pdbqt")
    assert Counter(task["rule"] for task in tasks) == {"dock": 3, "table": 3, "rank": 1, "plot": 1}
    tasks, _ = planned(root, "-D", "exhaustiveness=8")
    assert Counter(task["rule"] for task in tasks) == {"dock": 12, "table": 3, "rank": 1, "plot": 1}


def test_without_vina_docking_says_how_to_get_it(tmp_path: Path) -> None:
    root = copied("docking", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("bash", "env", "sh"):
        (programs / program).symlink_to(shutil.which(program) or program)
    stdout, stderr = hpcmake(root, "-k", path=str(programs), exit_code=1)
    assert "vina is not on the PATH: apt-get install autodock-vina" in stdout + stderr
    assert names(root, "docked/*/*") == []
    assert names(root, "tables/*") == []


# ---------------------------------------------------------------- events

EVENTS = {  # process: seeds, events, cross-section in pb with a tolerance, mean of the observable with one
    "z_lhc": (4, 1600, (1450, 120), (20, 2)),
    "jets_lhc": (6, 2400, (22.6e6, 1.5e6), (66, 4)),
    "hadrons_lep": (2, 4000, (41_540, 500), (20.8, 0.6)),  # LEP measured 41,540 pb and 20.8 charged particles
}


@pytest.mark.needs(program="pythia8mc")
def test_events_have_plausible_cross_sections_and_one_more_seed_adds_one_task(tmp_path: Path) -> None:
    root = copied("events", tmp_path)
    hpcmake(root)
    for process, (seeds, events, sigma, mean) in EVENTS.items():
        summary = json.loads((root / f"merged/{process}.json").read_text(encoding="utf-8"))
        assert (summary["process"], summary["seeds"], summary["events"]) == (process, seeds, events)
        assert summary["sigma_pb"] == pytest.approx(sigma[0], abs=sigma[1])
        assert 0 < summary["error_pb"] < 0.05 * summary["sigma_pb"]
        assert summary["mean"] == pytest.approx(mean[0], abs=mean[1])
        assert (root / f"merged/{process}.png").read_bytes().startswith(PNG)
        with np.load(root / f"merged/{process}.npz") as sample:
            assert len(sample["values"]) == len(sample["weights"]) == summary["unweighted"]
            assert sample["sigma_pb"] == summary["sigma_pb"]
            assert np.count_nonzero(sample["weights"] != 1.0) == summary["overweight"] <= events // 100
            assert np.average(sample["values"], weights=sample["weights"]) == pytest.approx(mean[0], abs=2 * mean[1])
    assert_nothing_to_do(root)

    table = (root / "cards.csv").read_text(encoding="utf-8")
    (root / "cards.csv").write_text(table.replace("hadrons_lep,charged,2,", "hadrons_lep,charged,3,"), encoding="utf-8")
    tasks, _ = planned(root)
    assert sorted((task["rule"], *task["wildcards"].values()) for task in tasks) == [
        ("generate", "hadrons_lep", "3"),
        ("merge", "hadrons_lep"),
    ]
    hpcmake(root)
    summary = json.loads((root / "merged/hadrons_lep.json").read_text(encoding="utf-8"))
    assert (summary["seeds"], summary["events"]) == (3, 6000)
    assert_nothing_to_do(root)


# ---------------------------------------------------------------- legs


def test_legs_continue_one_another(tmp_path: Path) -> None:
    root = copied("legs", tmp_path)
    hpcmake(root, "-D", "legs=3", "-D", "steps=200")
    hpcmake(root, "runs/whole/leg1.npz", "-D", "steps=600", exit_code=2)  # there is no such member yet
    shutil.copy(root / "init/01.txt", root / "init/whole.txt")
    hpcmake(root, "runs/whole/leg1.npz", "-D", "steps=600")
    with np.load(root / "runs/whole/leg1.npz") as whole:
        legs = [np.load(root / f"runs/01/leg{leg}.npz")["states"] for leg in (1, 2, 3)]
        assert np.array_equal(np.concatenate(legs), whole["states"])


def test_more_legs_are_only_added(tmp_path: Path) -> None:
    root = copied("legs", tmp_path)
    hpcmake(root, "-D", "steps=50")
    assert_nothing_to_do(root, "-D", "steps=50")
    tasks, _ = planned(root, "-D", "steps=50", "-D", "legs=7")
    added = [("01", "6"), ("01", "7"), ("02", "6"), ("02", "7"), ("03", "6"), ("03", "7")]
    assert sorted((task["wildcards"]["m"], task["wildcards"]["k"]) for task in tasks) == added


# ---------------------------------------------------------------- melt


def second_virial(temperature: float) -> float:
    """The second virial coefficient of the Lennard-Jones potential, by a sum over distances."""
    distance, step = np.linspace(1e-3, 40, 400_001, retstep=True)
    mayer = np.expm1(np.minimum(700, -4 / temperature * (distance**-12 - distance**-6)))
    return float(-2 * np.pi * np.sum(distance**2 * mayer) * step)


def assert_isotherms_are_of_this_fluid(root: Path) -> None:
    """Thin, it is a gas with a known second coefficient; dense, it is pushed together harder the hotter it is."""
    found = {(row["temperature"], row["density"]): row for row in rows(root / "isotherms.csv")}
    temperatures, densities = ("1.5", "2", "2.5"), ("0.05", "0.3", "0.6", "0.8")
    assert set(found) == {(temperature, density) for temperature in temperatures for density in densities}
    for temperature in temperatures:
        expected = 0.05 * float(temperature) * (1 + 0.05 * second_virial(float(temperature)))
        assert float(found[temperature, "0.05"]["pressure"]) == pytest.approx(expected, rel=0.06)
        pressures = [float(found[temperature, density]["pressure"]) for density in densities]
        energies = [float(found[temperature, density]["energy"]) for density in densities]
        assert pressures == sorted(pressures)
        assert energies == sorted(energies, reverse=True)
    for density in densities:
        assert sorted(temperatures, key=lambda each: float(found[each, density]["pressure"])) == list(temperatures)
    assert float(found["2", "0.8"]["pressure"]) == pytest.approx(5.2, abs=0.3)
    assert float(found["2", "0.8"]["energy"]) == pytest.approx(-4.76, abs=0.08)
    assert (root / "isotherms.png").read_bytes().startswith(PNG)


@pytest.mark.needs(program="lmp")
def test_melt_finds_the_equation_of_state(tmp_path: Path) -> None:
    root = copied("melt", tmp_path)
    hpcmake(root)
    assert_isotherms_are_of_this_fluid(root)
    assert_nothing_to_do(root)
    tasks, _ = planned(root, "-D", "cells=6")
    assert Counter(task["rule"] for task in tasks) == {"melt": 12, "reduce": 1, "plot": 1}


def test_without_lammps_melt_says_how_to_get_it(tmp_path: Path) -> None:
    root = copied("melt", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("bash", "env", "sh"):
        (programs / program).symlink_to(shutil.which(program) or program)
    stdout, stderr = hpcmake(root, "-k", path=str(programs), exit_code=1)
    assert "lmp is not on the PATH: apt-get install lammps" in stdout + stderr
    assert names(root, "runs/*/*") == []
