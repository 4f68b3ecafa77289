"""The examples, and a great many short tasks, in a job of a real Slurm."""

import pytest
from slurm.campaign import Campaign, Slurm
from slurm.together import side_by_side
from test_examples import (
    assert_isotherms_are_of_this_fluid,
    assert_nothing_to_do,
    assert_results_are_of_these_matrices,
    copied,
    planned,
    rows,
)


def example(slurm: Slurm, name: str, folder: str) -> Campaign:
    """Return a campaign that is a copy of an example."""
    (slurm.folder / folder).mkdir()
    return Campaign(slurm, copied(name, slurm.folder / folder))


@side_by_side()
def test_matrices(slurm: Slurm) -> None:
    campaign = example(slurm, ".", "matrices")
    campaign.submit(nodes=1).ok()
    assert_results_are_of_these_matrices(campaign.root)
    assert_nothing_to_do(campaign.root)


@side_by_side("vina")
def test_docking(slurm: Slurm) -> None:
    campaign = example(slurm, "docking", "docking")
    # a dock has `time: 10m`, and is not begun where less is left
    campaign.submit("verify", "all", nodes=2, cores=1, minutes=60).ok()
    found = {(row["protein"], row["ligand"]): float(row["affinity"]) for row in rows(campaign.root / "ranking.csv")}
    known = {(row["protein"], row["ligand"]): float(row["affinity"]) for row in rows(campaign.root / "known.csv")}
    assert found == {pair: pytest.approx(affinity, abs=0.5, rel=0.1) for pair, affinity in known.items()}
    assert_nothing_to_do(campaign.root, "verify", "all")


@side_by_side("pythia8mc")
def test_events(slurm: Slurm) -> None:
    campaign = example(slurm, "events", "events")
    campaign.submit(nodes=2, cores=1, gently=True).ok()
    assert len(campaign.names("merged/*.json")) == 3
    assert_nothing_to_do(campaign.root)


@side_by_side("lmp")
def test_melt(slurm: Slurm) -> None:
    campaign = example(slurm, "melt", "melt")
    job = campaign.submit(nodes=4, gently=True, more='words = ["--mpi=pmix"]')
    job.ok()
    assert_isotherms_are_of_this_fluid(campaign.root)
    assert len(job.told("done", rule="melt")) == 12
    assert planned(campaign.root)[0] == []


@side_by_side()
def test_two_thousand_short_tasks(slurm: Slurm) -> None:
    campaign = slurm.campaign(
        "short",
        """
        target all: "made/{i}" for i in 1..2000
        rule make:
            output: "made/{i}"
            run: hostname > {output}; echo "{i}" >> trace
        """,
    )
    job = campaign.submit(nodes=8)
    job.ok()
    made = campaign.names("made/*")
    assert len(made) == 2000
    assert sorted(map(int, campaign.lines("trace"))) == list(range(1, 2001)), "each ran once"
    assert {campaign.lines(path)[0] for path in made} == set(job.nodes), "and all nodes had work"
