"""The emulated PBS: dependencies, holds, queues and endings, on a clock that is set."""

import json
from pathlib import Path

import pytest
from pbs_bench import Bench, polaris_like

from hpcmake.testbed.queue.nouns import Answer, Start

ONE = ("-l", "select=1:ncpus=1", "-l", "walltime=00:10:00")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    return Bench(home)


@pytest.fixture
def polaris(tmp_path: Path) -> Bench:
    home = tmp_path / "home"
    home.mkdir()
    return Bench(home, polaris_like(), nodes=512)


def facts(bench: Bench, job: str) -> dict[str, object]:
    """Return what `qstat -x -f -F json` tells of a job; nothing if it is not there."""
    rows = json.loads(bench.ask("qstat", "-x", "-f", "-F", "json", job).out).get("Jobs", {})
    found: dict[str, object] = rows.get(job, {})
    return found


def no(command: str, text: str, status: int) -> Answer:
    return Answer("", f"{command}: {text}\n", status)


# ---------------------------------------------------------------- dependencies


def test_children_of_a_parent_that_fails_are_deleted_with_their_children(bench: Bench) -> None:
    """PBS fact 1.1: they end in F with the substate of a success, with no Exit_status and no comment, held by `s`."""
    parent = bench.sub(*ONE, script="fail.sh")
    child = bench.sub(*ONE, "-W", f"depend=afterok:{parent}")
    grandchild = bench.sub(*ONE, "-W", f"depend=afterok:{child}")
    assert bench.states() == {parent: "R", child: "H", grandchild: "H"}
    bench.wait(60)
    assert bench.states() == {parent: "F", child: "F", grandchild: "F"}
    for job in (child, grandchild):
        told = facts(bench, job)
        assert (told["substate"], told["Hold_Types"]) == (92, "s")
        assert not {"Exit_status", "comment", "stime"} & set(told)
    assert [effect for effect in bench.effects if isinstance(effect, Start)] == [Start(0)]


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_deleting_a_parent_deletes_its_children(bench: Bench, *, while_it_runs: bool) -> None:
    """PBS fact 1.1: after a qdel of the parent too."""
    parent = bench.sub(*ONE, *([] if while_it_runs else ["-h"]))
    child = bench.sub(*ONE, "-W", f"depend=afterok:{parent}")
    bench.wait(1.5)
    assert bench.ask("qdel", parent) == Answer()
    bench.wait(2)
    assert facts(bench, parent)["substate"] == 91
    assert facts(bench, parent).get("Exit_status") == (271 if while_it_runs else None)
    assert bench.states()[child] == "F"
    assert "Exit_status" not in facts(bench, child)


@pytest.mark.parametrize(
    ("kind", "script", "runs"),
    [
        ("afterok", "sleep.sh", True),
        ("afterok", "fail.sh", False),
        ("afternotok", "sleep.sh", False),
        ("afternotok", "fail.sh", True),
        ("afterany", "sleep.sh", True),
        ("afterany", "fail.sh", True),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_kinds_of_dependencies(bench: Bench, kind: str, script: str, *, runs: bool, late: bool) -> None:
    """PBS fact 1.2: one on a parent that has ended is decided at once, by its history."""
    parent = bench.sub(*ONE, script=script)
    if late:
        bench.wait(30)
        child = bench.sub(*ONE, "-W", f"depend={kind}:{parent}")
        assert bench.states()[child] == ("R" if runs else "F")
    else:
        child = bench.sub(*ONE, "-W", f"depend={kind}:{parent}")
        assert bench.states()[child] == "H"
    bench.wait(30)
    assert facts(bench, child).get("Exit_status") == (0 if runs else None)


def test_a_job_with_a_parent_that_nobody_knows_is_taken_and_deleted(bench: Bench) -> None:
    """PBS fact 1.2: qsub prints an id and exits 0, and the job is deleted at once."""
    job = bench.sub(*ONE, "-W", "depend=afterok:9999")
    assert bench.states() == {job: "F"}
    assert facts(bench, job)["depend"] == "afterok:9999.pbs01@pbs01"


def test_a_child_waits_for_all_its_parents(bench: Bench) -> None:
    first, second = bench.sub(*ONE, "-v", "T=5"), bench.sub(*ONE, "-v", "T=50")
    child = bench.sub(*ONE, "-W", f"depend=afterok:{first}:{second}")
    bench.wait(20)
    assert facts(bench, child)["depend"] == f"afterok:{second}@pbs01"
    assert bench.states() == {first: "F", second: "R", child: "H"}
    bench.wait(60)
    assert facts(bench, child)["Exit_status"] == 0


def test_a_job_that_starts_lets_those_go_that_come_after_its_start(bench: Bench) -> None:
    parent = bench.sub(*ONE, "-h", "-v", "T=500")
    child = bench.sub(*ONE, "-W", f"depend=after:{parent}")
    assert bench.states()[child] == "H"
    bench.ask("qrls", parent)
    bench.wait(5)
    assert bench.states()[parent] == "R"
    assert bench.job(1).state in {"R", "E"}


def test_a_parent_tells_who_waits_for_it(bench: Bench) -> None:
    parent = bench.sub(*ONE)
    ok, other = (bench.sub(*ONE, "-W", f"depend={kind}:{parent}") for kind in ("afterok", "afterany"))
    assert facts(bench, parent)["depend"] == f"beforeok:{ok}@pbs01,beforeany:{other}@pbs01"


def test_a_dependency_may_be_given_later(bench: Bench) -> None:
    parent, child = bench.sub(*ONE, "-h"), bench.sub(*ONE, "-h")
    assert bench.ask("qalter", "-W", f"depend=afterok:{parent}", child) == Answer()
    bench.ask("qrls", child)
    assert (bench.states()[child], facts(bench, child)["Hold_Types"]) == ("H", "s")


# ---------------------------------------------------------------- history


def test_finished_jobs_are_kept(bench: Bench) -> None:
    """PBS fact 1.3: qstat -x shows them; without -x they are an error of status 35."""
    job = bench.sub(*ONE)
    bench.wait(30)
    said = f"{job} Job has finished, use -x or -H to obtain historical job information"
    assert bench.ask("qstat", job) == no("qstat", said, 35)
    assert bench.ask("qstat", "-f", job) == no("qstat", said, 35)
    assert bench.ask("qstat", "-x", job).out.splitlines()[-1].split() == [
        job,
        "sleep.sh",
        "carol",
        "00:00:00",
        "F",
        "workq",
    ]
    assert facts(bench, job)["Exit_status"] == 0


def test_of_several_ids_the_good_ones_are_shown(bench: Bench) -> None:
    job = bench.sub(*ONE)
    answer = bench.ask("qstat", "9999", job)
    assert (answer.err, answer.status) == ("qstat: Unknown Job Id 9999.pbs01\n", 153)
    assert answer.out.splitlines()[-1].startswith(job)


@pytest.mark.parametrize("word", ["0", "0.pbs01", "0.pbs01.cluster.example"])
def test_the_number_alone_is_enough(bench: Bench, word: str) -> None:
    bench.sub(*ONE)
    assert bench.ask("qstat", word).status == 0


def test_a_command_without_jobs_is_misused(bench: Bench) -> None:
    for command in ("qdel", "qhold", "qrls", "qalter", "qmove"):
        answer = bench.ask(command)
        assert (answer.err.splitlines()[0][:6], answer.status) == ("usage:", 2)
    assert bench.ask("qdel", "job") == no("qdel", "illegally formed job identifier: job", 1)
    assert bench.ask("qstat", "-Z").status == 2


# ---------------------------------------------------------------- queues


def test_a_job_that_no_queue_behind_takes_vanishes(bench: Bench) -> None:
    """PBS fact 1.5: it gets an id and exit 0, and then not even qstat -x shows it."""
    answer = bench.ask("qsub", "-q", "prod", "-l", "select=1:ncpus=1", "-l", "walltime=48:00:00", "sleep.sh")
    assert (answer.err, answer.status) == ("", 0)
    job = answer.out.strip()
    assert bench.ask("qstat", "-x", job) == no("qstat", f"Unknown Job Id {job}", 153)


@pytest.mark.parametrize(
    ("nodes", "walltime", "queue"), [(10, "03:00:00", "small"), (30, "06:00:00", "medium"), (100, "24:00:00", "large")]
)
def test_a_queue_of_a_site_with_several_bands_passes_jobs_on(
    polaris: Bench, nodes: int, walltime: str, queue: str
) -> None:
    """PBS fact 1.5: of a site's queue whose walltimes go by nodes, the queues behind it are emulated."""
    job = polaris.sub(*asked(nodes, walltime))
    assert facts(polaris, job)["queue"] == queue
    assert facts(polaris, job)["job_state"] == "R"


@pytest.mark.parametrize(
    ("nodes", "walltime"), [(10, "04:00:00"), (9, "01:00:00"), (497, "01:00:00"), (30, "00:04:00")]
)
def test_a_job_of_a_shape_that_no_band_has_vanishes(polaris: Bench, nodes: int, walltime: str) -> None:
    """PBS fact 1.5: of a site's queue, too."""
    job = polaris.sub(*asked(nodes, walltime))
    assert polaris.ask("qstat", job).status == 153


def asked(nodes: int, walltime: str, queue: str = "prod") -> list[str]:
    words = ["-q", queue, "-A", "P", "-l", "filesystems=home"]
    return [*words, "-l", f"select={nodes}", "-l", "place=scatter", "-l", f"walltime={walltime}"]


def test_a_held_job_is_passed_on_only_when_it_is_let_go(polaris: Bench) -> None:
    parent = polaris.sub(*asked(10, "01:00:00"))
    child = polaris.sub(*asked(10, "01:00:00"), "-W", f"depend=afterok:{parent}")
    bad = polaris.sub(*asked(10, "05:00:00"), "-W", f"depend=afterok:{parent}")
    assert [facts(polaris, job)["queue"] for job in (child, bad)] == ["prod", "prod"]
    polaris.wait(30)
    assert facts(polaris, child)["queue"] == "small"
    assert facts(polaris, bad) == {}


def test_where_all_queues_behind_are_full_a_job_waits_in_front(polaris: Bench) -> None:
    polaris.lasts = 500
    jobs = [polaris.sub(*asked(10, "00:10:00")) for _ in range(101)]
    assert [facts(polaris, job)["queue"] for job in jobs[-2:]] == ["small", "prod"]
    running = [job for job, state in polaris.states().items() if state == "R"]
    assert running == jobs[:10]
    assert facts(polaris, jobs[10])["comment"] == "Not Running: Project has reached queue small's running limit."
    polaris.wait(510)
    assert facts(polaris, jobs[-1])["queue"] == "small"


def test_a_queue_for_one_job_refuses_the_second(polaris: Bench) -> None:
    polaris.sub(*asked(1, "00:10:00", "debug-scaling"))
    answer = polaris.ask("qsub", *asked(1, "00:10:00", "debug-scaling"), "sleep.sh")
    assert answer == no("qsub", "would exceed queue generic's per-user limit", 38)
    polaris.user = "dave"
    polaris.sub(*asked(1, "00:10:00", "debug-scaling"))


def test_what_a_site_wants_to_be_told(polaris: Bench) -> None:
    assert polaris.ask("qsub", "-q", "prod", "sleep.sh").err == "qsub: Account_Name is required to be set.\n"
    answer = polaris.ask("qsub", "-q", "prod", "-A", "P", "sleep.sh")
    assert answer.err == "qsub: Resource: filesystems is required to be set.\n"


def test_a_running_limit_holds_for_each_user(bench: Bench) -> None:
    first, second = (bench.sub(*ONE, "-q", "debug", "-v", "T=50") for _ in range(2))
    bench.user = "dave"
    other = bench.sub(*ONE, "-q", "debug", "-v", "T=50")
    assert bench.states() == {first: "R", second: "Q", other: "R"}
    bench.wait(60)
    assert bench.states() == {first: "F", second: "R", other: "F"}


def test_jobs_wait_for_nodes(bench: Bench) -> None:
    big = bench.sub("-l", "select=4:ncpus=1", "-l", "walltime=00:10:00", "-v", "T=100")
    small = bench.sub(*ONE)
    assert facts(bench, small)["comment"] == "Not Running: Not enough free nodes available"
    bench.wait(120)
    assert bench.states() == {big: "F", small: "F"}


def test_a_job_that_wants_nodes_that_have_died_is_in_nobodys_way(bench: Bench) -> None:
    bench.queue.down.add("nid[0]")
    large, small = bench.sub("-l", "select=4:ncpus=1", "-l", "walltime=00:10:00"), bench.sub(*ONE)
    assert bench.states() == {large: "Q", small: "R"}


# ---------------------------------------------------------------- jobs


def test_types_of_values_are_guessed(bench: Bench) -> None:
    """PBS fact 1.6: what looks like a number comes back as one."""
    job = bench.sub(*ONE, "-N", "12", "-v", "T=12,A=x,B=1.50,C=007,D=")
    told = facts(bench, job)
    variables = told["Variable_List"]
    assert isinstance(variables, dict)
    assert told["Job_Name"] == 12
    assert {name: variables[name] for name in "TABCD"} == {"T": 12, "A": "x", "B": 1.5, "C": 7, "D": ""}


def test_for_unknown_ids_the_object_has_no_jobs(bench: Bench) -> None:
    """PBS fact 1.6: there is no key `Jobs` at all."""
    answer = bench.ask("qstat", "-f", "-F", "json", "9999")
    assert sorted(json.loads(answer.out)) == ["pbs_server", "pbs_version", "timestamp"]
    assert answer.status == 153


def test_without_any_job_qstat_prints_nothing(bench: Bench) -> None:
    """PBS fact 1.7: no header either, and exit 0."""
    assert [bench.ask("qstat", *words) for words in ([], ["-a"], ["-was1"], ["-u", "carol"], ["-f"])] == [Answer()] * 5


def test_one_colon_is_minutes_and_seconds(bench: Bench) -> None:
    """PBS fact 1.8: 1:30 is a minute and a half."""
    job = bench.sub("-l", "walltime=1:30", "-v", "T=200")
    resources = facts(bench, job)["Resource_List"]
    assert isinstance(resources, dict)
    assert resources["walltime"] == "00:01:30"
    bench.wait(95)
    assert facts(bench, job)["Exit_status"] == -29


def test_a_job_starts_in_the_home_directory(bench: Bench) -> None:
    """PBS fact 1.9: it finds where qsub was called in PBS_O_WORKDIR."""
    bench.sub(*ONE)
    job = bench.job(0)
    job.workdir = "elsewhere"
    assert job.cwd == bench.home
    assert bench.pbs.variables(job, None, nodefile="/n/nodefile")["PBS_O_WORKDIR"] == bench.home  # type: ignore[arg-type]


def test_a_job_that_is_deleted_while_it_starts_never_runs(bench: Bench) -> None:
    job = bench.sub(*ONE)
    assert facts(bench, job)["substate"] == 41
    bench.ask("qdel", job)
    bench.wait(20)
    assert facts(bench, job)["Exit_status"] == 271
    assert Start(0) not in bench.effects


def test_a_walltime_that_is_over(bench: Bench) -> None:
    job = bench.sub("-l", "walltime=00:00:20", "-v", "T=500", "-j", "oe")
    bench.wait(25)
    told = facts(bench, job)
    assert (told["substate"], told["Exit_status"]) == (93, -29)
    assert str(told["comment"]).endswith(" and exceeded resource walltime")
    with open(f"{bench.home}/sleep.sh.o0", encoding="utf-8") as file:
        assert file.read() == "=>> PBS: job killed: walltime 21 exceeded limit 20\n"


def test_the_walltime_of_a_running_job_can_be_made_shorter(bench: Bench) -> None:
    job = bench.sub(*ONE, "-v", "T=500")
    assert bench.ask("qalter", "-l", "walltime=00:11:00", job) == no("qalter", f"Unauthorized Request  {job}", 159)
    assert bench.ask("qalter", "-l", "walltime=00:00:30", job) == Answer()
    bench.wait(35)
    assert facts(bench, job)["Exit_status"] == -29


def test_a_queued_job_can_be_changed_and_moved(bench: Bench) -> None:
    job = bench.sub(*ONE, "-h", "-q", "debug")
    assert bench.ask("qalter", "-l", "walltime=02:00:00", job).status == 188
    assert bench.ask("qalter", "-l", "walltime=xx", job).status == 166
    assert bench.ask("qmove", "nosuch", job) == no("qmove", f"Unknown queue {job}", 170)
    assert bench.ask("qmove", "small", job).status == 174
    assert bench.ask("qmove", "workq", job) == Answer()
    assert bench.ask("qalter", "-l", "walltime=02:00:00", "-N", "other", job) == Answer()
    told = facts(bench, job)
    assert (told["Job_Name"], told["queue"], told["job_state"]) == ("other", "workq", "H")


def test_holding_and_letting_go(bench: Bench) -> None:
    bench.sub("-l", "select=4:ncpus=1", "-l", "walltime=00:10:00", "-v", "T=100")
    job = bench.sub(*ONE)
    assert bench.ask("qhold", job) == Answer()
    assert bench.states()[job] == "H"
    assert str(facts(bench, job)["comment"]).startswith("Job held by carol on ")
    assert bench.ask("qrls", job) == Answer()
    assert bench.states()[job] == "Q"
    assert bench.ask("qhold", "-h", "o", job).status == 159


def test_jobs_of_others_and_jobs_that_have_ended_cannot_be_changed(bench: Bench) -> None:
    done = bench.sub(*ONE)
    bench.wait(30)
    job = bench.sub(*ONE, "-h")
    bench.user = "dave"
    assert bench.ask("qdel", job) == no("qdel", f"Unauthorized Request  {job}", 159)
    bench.user = "carol"
    answer = bench.ask("qdel", done, "9999", job)
    assert answer == Answer(
        "", f"qdel: Request invalid for state of job {done}\nqdel: Unknown Job Id 9999.pbs01\n", 153
    )
    assert bench.states()[job] == "F"


# ---------------------------------------------------------------- submitting


def test_options_of_the_script_count_where_the_command_line_says_nothing(bench: Bench) -> None:
    text = (
        "#!/bin/sh\n#PBS -N fromscript -q debug -A proj\n#PBS -l select=2:ncpus=2,walltime=00:20:00\n\ndate\n#PBS -h\n"
    )
    Path(bench.home, "job.sh").write_text(text)
    told = facts(bench, bench.sub("-N", "mine", script="job.sh"))
    assert [told[name] for name in ("Job_Name", "queue", "Account_Name", "job_state")] == ["mine", "debug", "proj", "R"]
    resources = told["Resource_List"]
    assert isinstance(resources, dict)
    assert [resources[name] for name in ("ncpus", "nodect", "walltime")] == [4, 2, "00:20:00"]


def test_a_script_from_stdin(bench: Bench) -> None:
    answer = bench.ask("qsub", "-l", "walltime=00:10:00", stdin="#PBS -N piped\ndate\n")
    assert answer.out == "0.pbs01\n"
    assert bench.job(0).name == "piped"
    bench.ask("qsub", "-l", "walltime=00:10:00", stdin="date\n")
    assert bench.job(1).name == "STDIN"


def test_a_script_is_kept_as_it_was(bench: Bench, tmp_path: Path) -> None:
    job = bench.sub(*ONE, "-h")
    Path(bench.home, "sleep.sh").unlink()
    number = int(job.partition(".")[0])
    bench.pbs.variables(bench.job(number), None, nodefile=str(tmp_path / "nodefile"))  # type: ignore[arg-type]
    (path,) = bench.pbs.command(bench.job(number))
    assert Path(path).read_text() == "#!/bin/bash\nsleep $T\n"
    assert Path(path).stat().st_mode & 0o777 == 0o700


def test_where_output_goes(bench: Bench) -> None:
    bench.sub(*ONE, "-h")
    bench.sub(*ONE, "-h", "-j", "oe", "-o", "logs/all", "-N", "x")
    bench.sub(*ONE, "-h", "-o", "pbs01:/tmp/", "-e", "err")
    paths = [(bench.job(number).stdout, bench.job(number).stderr) for number in range(3)]
    home = bench.home
    assert paths == [
        (f"{home}/sleep.sh.o0", f"{home}/sleep.sh.e0"),
        (f"{home}/logs/all", f"{home}/logs/all"),
        ("/tmp/2.pbs01.OU", f"{home}/err"),
    ]


@pytest.mark.parametrize(
    ("argv", "first", "status"),
    [
        (["-l", "nosuch=1", "sleep.sh"], "qsub: Unknown resource Resource_List.nosuch", 187),
        (["-l", "walltime", "sleep.sh"], "qsub: illegal -l value", 2),
        (["-j", "x", "sleep.sh"], "qsub: illegal -j value", 2),
        (["-W", "nosuch=1", "sleep.sh"], "qsub: illegal -W value", 2),
        (["-Y", "sleep.sh"], "qsub: invalid option -- 'Y'", 2),
        (["-q"], "qsub: option requires an argument -- 'q'", 2),
        (["-l", "select=0", "sleep.sh"], "qsub: Illegal attribute or resource value Resource_List.select", 166),
        (["-J", "0-9", "sleep.sh"], "qsub: the testbed does not emulate an array of jobs (-J)", 1),
        (["-W", "block=true", "sleep.sh"], "qsub: the testbed does not emulate -W block=true", 1),
        (["-W", "depend=on:1", "sleep.sh"], "qsub: the testbed does not emulate dependencies of the kind `on`", 1),
    ],
)
def test_what_qsub_does_not_take(bench: Bench, argv: list[str], first: str, status: int) -> None:
    answer = bench.ask("qsub", *argv)
    assert (answer.err.splitlines()[0], answer.status) == (first, status)


def test_a_refused_submission_uses_up_a_number(bench: Bench) -> None:
    bench.ask("qsub", "-q", "nosuch", "sleep.sh")
    bench.ask("qsub", "-q", "debug", *ONE, "-l", "select=3", "sleep.sh")
    bench.ask("qsub", "nosuch.sh")
    assert bench.sub(*ONE) == "2.pbs01"


# ---------------------------------------------------------------- what goes wrong


def test_a_server_that_is_down(bench: Bench) -> None:
    from hpcmake.testbed.queue.nouns import Request

    answer = bench.pbs.down(Request("qstat", (), "/", "carol", {}))
    assert answer == Answer("", "Connection refused\nqstat: cannot connect to server pbs01 (errno=15010)\n", 162)


def test_a_job_that_is_lost_or_deleted_by_an_operator(bench: Bench) -> None:
    lost, deleted = bench.sub(*ONE, "-v", "T=500"), bench.sub(*ONE, "-v", "T=500")
    bench.wait(5)
    bench.pbs.lose(bench.queue, bench.job(0))
    bench.pbs.delete(bench.queue, bench.job(1))
    bench.wait(0)
    bench.wait(5)
    assert facts(bench, lost) == {}
    assert facts(bench, deleted)["Exit_status"] == 271
    assert len(bench.queue.free_hosts()) == 4


def test_whether_anything_will_happen_any_more(bench: Bench) -> None:
    held, large = bench.sub(*ONE, "-h"), bench.sub("-l", "select=9:ncpus=1")
    child = bench.sub(*ONE, "-W", f"depend=afterok:{held}")
    stopped = bench.sub(*ONE, "-q", "stopq")
    going = bench.sub(*ONE)
    waiting = bench.sub(*ONE, "-W", f"depend=afterok:{going}")
    can = {
        bench.pbs.book.full_id(job.number): bench.pbs.can_start(bench.queue, job) for job in bench.queue.jobs.values()
    }
    assert can == {held: False, large: False, child: False, stopped: False, going: True, waiting: True}
