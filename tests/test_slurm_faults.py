"""What goes wrong in a job, on a real Slurm: nodes, walltimes, launchers and drivers that end at the wrong moment."""

from slurm.campaign import Campaign, Job, Slurm, kill, traced
from slurm.cluster import until
from slurm.together import side_by_side

# sleeps in short pieces, so that a task that was stopped in the middle needs as long again when it goes on
NAP = "for piece in $(seq {pieces}); do sleep 0.1; done"

SHORT = f"""
    target all: "made/{{i}}" for i in 1..48
    rule make:
        output: "made/{{i}}"
        cores: 16
        run: {traced(NAP.format(pieces=40))}
    """


def begun(campaign: Campaign) -> dict[str, str]:
    """Return the tasks that have begun, each with the node of its last beginning."""
    lines = (line.split() for line in campaign.lines("trace"))
    return {words[1]: words[2] for words in lines if words[0] == "begin"}


def assert_all_is_made(campaign: Campaign, count: int) -> None:
    assert len(campaign.names("made/*")) == count
    ended = [line.split()[1] for line in campaign.lines("trace") if line.startswith("end")]
    assert set(ended) == {str(number) for number in range(1, count + 1)}


# ---------------------------------------------------------------- nodes


@side_by_side()
def test_what_a_crashed_node_was_doing_is_done_elsewhere(slurm: Slurm) -> None:
    campaign = slurm.campaign("crash", SHORT)
    job = campaign.submit(nodes=4)
    job.until(lambda: len(begun(campaign)) > 16, "tasks have begun a second time on each node")
    lost = job.nodes[2]
    slurm.cluster.crash(lost)
    before = len(campaign.lines("trace"))
    job.ok()

    later = [line.split() for line in campaign.lines("trace")[before:]]
    assert [words for words in later if words[2] == lost] == [], "nothing begins on a node that is lost"
    assert_all_is_made(campaign, 48)
    campaign.assert_nothing_ran_twice_at_once()
    assert job.told("failed") == [], "it is no fault of the tasks, and costs them no retry"
    assert lost in "\n".join(row["text"] for row in job.told("note") + job.told("warning"))
    slurm.cluster.boot(lost)


@side_by_side()
def test_what_a_frozen_node_was_doing_is_done_elsewhere_and_not_finished_there(slurm: Slurm) -> None:
    campaign = slurm.campaign("freeze", SHORT)
    job = campaign.submit(nodes=4)
    job.until(lambda: len(begun(campaign)) > 16, "tasks have begun a second time on each node")
    lost = job.nodes[3]
    slurm.cluster.freeze(lost)
    before = len(campaign.lines("trace"))
    job.ok()

    assert_all_is_made(campaign, 48)
    later = [line.split() for line in campaign.lines("trace")[before:]]
    assert [words for words in later if words[0] == "begin" and words[2] == lost] == []
    assert job.told("failed") == []
    assert lost in "\n".join(row["text"] for row in job.told("note") + job.told("warning"))
    slurm.cluster.thaw(lost)
    until(lambda: not [pid for pid in slurm.cluster.processes(lost) if is_of(campaign, pid)], "its tasks end", 60)


def is_of(campaign: Campaign, pid: int) -> bool:
    """Tell whether a process works in the folder of a campaign."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return str(campaign.root).encode() in file.read()
    except OSError:
        return False


# ---------------------------------------------------------------- walltime


@side_by_side()
def test_what_cannot_end_before_the_walltime_is_not_begun_and_a_second_job_does_it(slurm: Slurm) -> None:
    campaign = slurm.campaign(
        "walltime",
        f"""
        target all: "made/{{i}}" for i in 1..16
        rule make:
            output: "made/{{i}}"
            cores: 32
            time: 22s
            run: {traced("sleep 15")}
        """,
    )
    first = campaign.submit(nodes=2, minutes=1)
    assert first.end() == 75, str(first)
    made = campaign.names("made/*")
    assert 4 <= len(made) < 16
    assert len(begun(campaign)) == len(made), "nothing was begun in vain"

    second = campaign.submit(nodes=4)
    second.ok()
    assert_all_is_made(campaign, 16)
    assert len(second.told("began")) == 16 - len(made), "and nothing is done again"
    campaign.assert_nothing_ran_twice_at_once()


@side_by_side()
def test_what_runs_at_the_end_of_the_walltime_is_interrupted_and_a_second_job_does_it(slurm: Slurm) -> None:
    campaign = slurm.campaign(
        "deadline",
        f"""
        target all: "made/{{i}}" for i in 1..4
        rule make:
            output: "made/{{i}}"
            cores: 32
            run: {traced("sleep 75")}
        """,
    )
    first = campaign.submit(nodes=2, minutes=1)
    assert first.end() == 75, str(first)
    assert campaign.names("made/*") == []
    assert first.told("failed") == []

    second = campaign.submit(nodes=2)
    second.ok()
    assert_all_is_made(campaign, 4)
    campaign.assert_nothing_ran_twice_at_once()


@side_by_side()
def test_a_job_that_is_cancelled_is_gone_on_with_in_another(slurm: Slurm) -> None:
    campaign = slurm.campaign("cancel", SHORT)
    first = campaign.submit(nodes=2)
    first.until(lambda: len(begun(campaign)) > 8, "tasks have begun a second time")
    slurm.cluster.run("scancel", first.id)
    second = campaign.submit(nodes=2)
    second.ok()
    assert_all_is_made(campaign, 48)
    campaign.assert_nothing_ran_twice_at_once()
    assert first.told("failed") == []


# ---------------------------------------------------------------- SIGKILL


def killed(slurm: Slurm, name: str, carrier: str) -> tuple[Campaign, Job]:
    """Return a campaign in a job that goes on with it in the same job, after some tasks have begun."""
    campaign = slurm.campaign(name, SHORT)
    job = campaign.submit(nodes=3, carrier=carrier, again=True)
    job.until(lambda: len(begun(campaign)) > 12, "tasks have begun a second time")
    return campaign, job


def assert_it_went_on(campaign: Campaign, job: Job) -> None:
    job.ok()
    assert_all_is_made(campaign, 48)
    campaign.assert_nothing_ran_twice_at_once()
    assert job.told("failed") == []


@side_by_side()
def test_after_sigkill_of_one_srun_nothing_runs_twice_at_once(slurm: Slurm) -> None:
    campaign, job = killed(slurm, "kill-pipe", "pipe")
    kill(job.launches()[-1])
    assert_it_went_on(campaign, job)


@side_by_side()
def test_after_sigkill_of_the_srun_of_several_nodes_nothing_runs_twice_at_once(slurm: Slurm) -> None:
    campaign, job = killed(slurm, "kill-mailbox", "mailbox")
    kill(job.launches()[-1])
    assert_it_went_on(campaign, job)


@side_by_side()
def test_after_sigkill_of_the_driver_nothing_runs_twice_at_once(slurm: Slurm) -> None:
    campaign, job = killed(slurm, "kill-driver", "mailbox")
    kill(job.driver())
    assert_it_went_on(campaign, job)
    assert job.text("ends").split() == ["137", "0"]


@side_by_side()
def test_after_sigkill_of_srun_and_driver_nothing_runs_twice_at_once(slurm: Slurm) -> None:
    campaign, job = killed(slurm, "kill-both", "mailbox")
    kill(*job.launches(), job.driver())
    assert_it_went_on(campaign, job)
    assert job.text("ends").split() == ["137", "0"]
