"""What a job makes of its batch: what runs and what does not, what it records, says of itself, and ends with.

There is no scheduler here: jobs are started in the environment that one would give them (see job_runs.py).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from job_runs import Site, done, ended, local_run, records_of, status_of

from hpcmake.jobs.papers import OVER, RUNNING

if TYPE_CHECKING:
    from command import Command

    from hpcmake.jobs.folder import JobFolder


@pytest.fixture
def site(command: Command) -> Site:
    return Site(command)


CHAIN = """\
target all: "all.txt"

rule a:
    output: "a/{i}.txt"
    run: echo {i} > {output}

rule b:
    input: "a/{i}.txt"
    output: "b/{i}.txt"
    run: cat {input} {input} > {output}

rule all:
    input: "b/{i}.txt" for i in 1..3
    output: "all.txt"
    run: cat {input} > {output}
"""

ONE = """\
target all: "out"

rule one:
    output: "out"
    run: echo made > {output}
"""


# ---------------------------------------------------------------- as it runs anywhere

CAMPAIGNS = {
    "a chain": CHAIN,
    "a post, a log, a folder": """\
        target all: "out/{k}.txt" for k in ["a", "b c", "it's"]
        rule make:
            output: "out/{k}.txt", "side {k}/x"
            log: "logs/{k}.log"
            workdir: "work/{k}"
            env:
                KIND = "of {k}"
            run:
                echo "said $KIND"
                echo "$KIND {k} $(basename "$PWD")" > {output[0]}
                cp {output[0]} {output[1]}
            post: wc -c {output[0]} > {output[1]}
        """,
    "a setup": """\
        target all: "out"
        defaults:
            setup: export FROM_SETUP=yes; greet() { echo "hello $1"; }
        rule make:
            output: "out"
            run: greet "$FROM_SETUP" > {output}
        """,
    "files of lists": """\
        target all: "all"
        rule part:
            output: "in/{i} {j}"
            run: echo {i}{j} > {output}
        rule all:
            input: "in/{i} {j}" for i in 1..3 for j in ["x", "y"]
            output: "all"
            run: tr '\\n' '\\0' < {input!file} | xargs -0 cat > {output}
        """,
    "what is produced, its post and its list": """\
        target all: "list/{k}" for k in ["a", "b"]
        rule make:
            output: "list/{k}"
            produces: "parts/{k}/{i}.dat"
            run: for i in 1 2 10 "x y"; do echo "$i" > parts/{k}/"$i".dat; done
            post: ls {produced} > {output}; cat {produced!file} >> {output}
        """,
    "a depfile": """\
        target all: "prog"
        rule header:
            output: "gen.h"
            run: echo h > {output}
        rule object:
            input: order "gen.h"
            output: "main.o"
            depfile: "main.d"
            run: echo "main.o: gen.h" > {depfile}; cat gen.h > {output}
        rule link:
            input: "main.o"
            output: "prog"
            run: cat {input} > {output}
        """,
    "markers, folders, temp and protected files": """\
        target all: "all"
        rule mark:
            output: touch "mark/{i}"
        rule kept:
            input: "mark/{i}"
            output: protect "kept/{i}", temp "tmp/{i}", "folder{i}/"
            run: echo {i} > {output[0]}; echo {i} > {output[1]}; mkdir -p {output[2]}; echo > {output[2]}/x
        rule all:
            input: "kept/{i}" for i in 1..2, "tmp/{i}" for i in 1..2, order "folder1/"
            output: "all"
            run: cat kept/* tmp/* > {output}
        """,
    "what may fail": """\
        target all: "all"
        rule dock:
            output: "d/{i}"
            retries: 1
            run: test {i} != 2; echo {i} > {output}
        rule refine:
            input: "d/{i}"
            output: "r/{i}"
            run: cat {input} {input} > {output}
        rule all:
            input:
                one = maybe "d/{i}" for i in 1..3
                two = maybe "r/{i}" for i in 1..3
            output: "all"
            run: cat {one} {two} > {output}; wc -l < {input!file} >> {output}
        """,
    "attempts that take more": """\
        target all: "out"
        rule make:
            output: "out"
            retries: 3
            memory: 1GiB * attempt
            run: echo "{memory.MiB} {attempt}" >> tries; test {attempt} = 3; cp tries {output}
        """,
    "one at a time": """\
        target all: "o/{i}" for i in 1..6
        rule make:
            output: "o/{i}"
            at_once: 1
            run: mkdir lock; echo > {output}; rmdir lock
        """,
    "another language": """\
        target all: "out"
        rule make:
            output: "out"
            run python3:
                with open({output}, "w") as file:
                    print({rule}, file=file)
        """,
}


@pytest.mark.parametrize("text", CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_a_job_makes_what_a_local_run_makes(site: Site, text: str) -> None:
    site.command.wfile(text)
    expected = local_run(site.command, site.root.parent / "local")
    result, folder = site.job(keep_going=True)
    assert result.status == 0, result
    assert site.command.files() == expected
    assert site.plan() == [], "a driver finds nothing more to do"
    status = status_of(folder)
    assert (status.exit, status.left) == (0, 0)
    assert status.done == len(done(folder))
    assert sorted(done(folder)) == sorted(set(done(folder))), "no success twice"


def test_temp_files_stay_and_protected_ones_are_read_only(site: Site) -> None:
    site.command.wfile(CAMPAIGNS["markers, folders, temp and protected files"])
    site.job()
    assert site.command.exists("tmp/1")
    assert not os.stat(site.root / "kept/1").st_mode & stat.S_IWUSR


def test_what_is_given_up_is_recorded_and_not_tried_again(site: Site) -> None:
    site.command.wfile(CAMPAIGNS["what may fail"])
    _, folder = site.job()
    kinds = [(record["k"], record["t"]) for record in records_of(folder) if record["k"] in {"fail", "gave up"}]
    assert kinds == [
        ("fail", "dock[i=2]"), ("fail", "dock[i=2]"), ("gave up", "dock[i=2]"), ("gave up", "refine[i=2]"),
    ]  # fmt: skip
    assert site.plan() == []


def test_of_produced_files_only_what_was_known_is_run(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "sum"
        rule make:
            produces: "in{i}"
            run: touch in1 in2
        rule take:
            input: "in{i}"
            output: "out{i}"
            run: cp {input} {output}
        rule sum:
            input: "out{i}" for each "in{i}"
            output: "sum"
            run: cat {input} > {output}
        """
    )
    first, folder = site.job()
    assert (first.status, done(folder)) == (0, ["make"])
    assert site.plan() == ["sum", "take[i=1]", "take[i=2]"]
    second, folder = site.job()
    assert (second.status, sorted(done(folder))) == (0, ["sum", "take[i=1]", "take[i=2]"])
    assert site.plan() == []


def test_a_file_that_another_rule_makes_is_not_taken_for_a_produced_one(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "list", "in/sum"
        rule sum:
            output: "in/sum"
            run: echo sum > {output}
        rule make:
            output: "list"
            produces: "in/{i}"
            run: touch in/1 in/2
            post: echo {produced} > {output}
        """
    )
    site.job(only=lambda name: name == "sum")
    site.job(only=lambda name: name == "make")
    assert site.command.text("list") == "in/1 in/2\n"
    assert site.command.text("in/sum") == "sum\n"


def test_a_depfile_that_names_what_an_unlisted_task_makes_is_a_mistake_here_too(site: Site) -> None:
    site.command.wfile(CAMPAIGNS["a depfile"].replace('            input: order "gen.h"\n', ""))
    site.job("gen.h")
    result, folder = site.job("main.o")
    assert result.status == 1
    assert "names gen.h, which a rule makes and the task does not list" in result.out
    assert [record["why"] for record in records_of(folder) if record["k"] == "fail"] == ["depfile"]


def test_a_task_with_nodes_is_launched_on_nodes_of_the_job(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "w{k}" for k in 1..2
        rule w:
            output: "w{k}"
            nodes: 2
            ranks_per_node: 4
            run: {launch} true; echo {launch} > {output}
        """
    )
    result, _ = site.job()
    assert result.status == 0, result
    assert "aprun -n 8 -N 4" in site.command.text("w1")
    assert "-L 3826-3827" in site.command.text("w2")
    assert site.plan() == []


def test_what_goes_first_is_what_has_priority(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "o{i}" for i in 1..4
        rule make:
            output: "o{i}"
            cores: 64
            priority: 10 * int(i)
            run: echo {i} >> order; touch {output}
        """
    )
    site.job(nodes=1)
    assert site.command.lines("order") == ["4", "3", "2", "1"]


def test_outputs_go_to_logs_of_the_job(site: Site) -> None:
    site.command.wfile(ONE.replace("echo made", "echo said it; echo made"))
    _, folder = site.job()
    (record,) = [each for each in records_of(folder) if each["k"] == "ok"]
    path, offset, length = record["log"]
    assert path.startswith(f".hpcmake/jobs/{folder.key}/logs/")
    assert site.command.text(path)[offset : offset + length] == "said it\n"


def test_an_early_cut_off_in_the_job(site: Site) -> None:
    site.command.wfile(CHAIN.replace("echo {i} >", "test -e {output} || echo {i} >"))
    site.job()
    result, folder = site.job(rerun=["a"])
    assert result.status == 0, result
    assert sorted(done(folder)) == ["a[i=1]", "a[i=2]", "a[i=3]"]
    assert site.plan() == []


def test_a_task_that_hangs_is_ended_by_its_time_limit(site: Site) -> None:
    site.command.wfile(ONE.replace("    run: echo", "    time: 1s\n    run: sleep 1000; echo"))
    result, folder = site.job()
    assert result.status == 1
    (record,) = [each for each in records_of(folder) if each["k"] == "fail"]
    assert record["why"] == "time"


@pytest.mark.parametrize(
    ("text", "why"),
    [("run: true", "missing output"), ("run: touch {output}\n    post: false", "post"), ("run: exit 3", "exit")],
)
def test_failures_are_recorded_as_everywhere(site: Site, text: str, why: str) -> None:
    site.command.wfile(ONE.replace("run: echo made > {output}", text))
    result, folder = site.job(retries=1)
    assert result.status == 1
    assert [record["why"] for record in records_of(folder) if record["k"] == "fail"] == [why, why]
    assert not site.command.exists("out")
    assert status_of(folder).failed == 1


# ---------------------------------------------------------------- what a job ends with: the table of exit statuses


def test_0_nothing_failed_and_nothing_is_left(site: Site) -> None:
    site.command.wfile(CHAIN)
    result, folder = site.job()
    assert (result.status, status_of(folder).why) == (0, "done")


MIXED = """\
target all: "good", "bad"
rule good:
    output: "good"
    run: touch {output}
rule bad:
    output: "bad"
    run: false
"""


def test_0_it_ends_by_its_own_decision_with_a_success_and_may_go_on_behind_failures(site: Site) -> None:
    site.command.wfile(MIXED)
    result, folder = site.job(keep_going=True)
    assert (result.status, status_of(folder).why) == (0, "failed")
    assert (status_of(folder).done, status_of(folder).failed) == (1, 1)


def test_1_all_have_failed_though_it_may_go_on(site: Site) -> None:
    site.command.wfile(MIXED)
    result, folder = site.job("bad", keep_going=True)
    assert (result.status, status_of(folder).why) == (1, "failed")


def test_0_the_key_was_claimed_already(site: Site) -> None:
    site.command.wfile(ONE)
    _, folder = site.job()
    before = {
        name: site.command.text(f".hpcmake/jobs/{folder.key}/{name}") for name in ("status.json", "records.jsonl")
    }
    site.command.remove("out")
    again = site.run(folder)
    assert (again.status, again.out) == (0, f"hpcmake: {folder.key} is taken, or called off: nothing is run\n")
    assert not site.command.exists("out")
    for name, text in before.items():
        assert site.command.text(f".hpcmake/jobs/{folder.key}/{name}") == text


def test_0_it_was_called_off_before_it_began(site: Site) -> None:
    site.command.wfile(ONE)
    folder = site.batch()
    assert folder.close("its work is done elsewhere")
    result = site.run(folder)
    assert result.status == 0
    assert folder.read_status() is None
    assert not site.command.exists("out")


def test_0_nothing_was_ready(site: Site) -> None:
    site.command.wfile(CHAIN)
    first = site.batch(only=lambda name: name[0] == "a" and name != "all")
    second = site.batch(only=lambda name: name[0] == "b", parents=(first,))
    result = site.run(second)
    status = status_of(second)
    assert (result.status, status.why, status.done, status.left) == (0, "nothing", 0, 3)
    assert records_of(second) == []


def test_1_a_task_failed(site: Site) -> None:
    site.command.wfile(MIXED)
    result, folder = site.job("bad")
    assert (result.status, status_of(folder).why) == (1, "failed")


def test_75_work_is_left_at_the_deadline(site: Site) -> None:
    site.command.wfile(MIXED.replace('    output: "bad"', '    output: "bad"\n    time: 1h'))
    result, folder = site.job(left=60)
    status = status_of(folder)
    assert (result.status, status.why, status.done, status.left) == (75, "deadline", 1, 1)
    assert site.plan() == ["bad"]


def test_0_work_is_left_at_the_deadline_and_it_may_go_on(site: Site) -> None:
    site.command.wfile(MIXED.replace('    output: "bad"', '    output: "bad"\n    time: 1h'))
    result, folder = site.job(left=60, keep_going=True)
    assert (result.status, status_of(folder).why) == (0, "deadline")


def test_75_what_runs_at_the_deadline_is_cut_and_spends_no_retry(site: Site) -> None:
    site.command.wfile(ONE.replace("echo made", "echo half > {output}; exec sleep 1000; echo"))
    result, folder = site.job(left=3)
    assert result.status == 75, result
    assert [(record["k"], record["why"]) for record in records_of(folder) if record["k"] != "def"] == [
        ("cut", "deadline")
    ]
    assert not site.command.exists("out"), "what it has half made is moved aside"


@pytest.mark.parametrize("keep_going", [False, True])
def test_143_sigterm(site: Site, *, keep_going: bool) -> None:
    site.command.wfile(ONE.replace("echo made", "read -r line < fifo; echo"))
    fifo = site.command.fifo("fifo")
    folder = site.batch(keep_going=keep_going)
    process = site.start(folder)
    with fifo.open("w"):
        process.send_signal(signal.SIGTERM)
        result = ended(process)
    status = status_of(folder)
    assert (result.status, status.exit, status.why, status.left) == (143, 143, "term", 1)
    assert [record["why"] for record in records_of(folder) if record["k"] == "cut"] == ["term"]


@pytest.mark.parametrize("how", ["torn", "damaged", "empty", "gone"])
def test_3_the_batch_cannot_be_read(site: Site, how: str) -> None:
    site.command.wfile(ONE)
    folder = site.batch()
    with open(folder.batch, "rb") as file:
        raw = file.read()
    if how == "gone":
        os.unlink(folder.batch)
    else:
        with open(folder.batch, "wb") as file:
            changed = {"torn": raw[:-30], "damaged": raw.replace(b"made", b"MADE"), "empty": b""}
            file.write(changed[how])
    result = site.run(folder)
    status = status_of(folder)
    assert (result.status, status.why, status.state) == (3, "setup", OVER)
    assert result.err.startswith("error[E730]: "), result
    assert not site.command.exists("out")
    assert records_of(folder) == []


def test_3_the_launcher_is_not_there(site: Site) -> None:
    site.command.wfile(ONE)
    os.unlink(site.bin / "aprun")
    result, folder = site.job()
    assert (result.status, status_of(folder).why) == (3, "setup")
    assert "the launcher of theta, `aprun`, is not on the PATH" in result.err


def test_3_it_is_no_job(site: Site) -> None:
    site.command.wfile(ONE)
    result, folder = site.job(env={"COBALT_JOBID": ""})
    assert (result.status, status_of(folder).why) == (3, "setup")
    assert "this is no job of theta: nothing in the environment tells of one" in result.err


BROKEN = """\
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "hpcmake.engine":
            raise RuntimeError("as if it were a bug")
sys.meta_path.insert(0, Finder())
"""


def test_70_a_bug_of_ours(site: Site) -> None:
    site.command.wfile(ONE)
    result, folder = site.job(env=site.custom(BROKEN))
    status = status_of(folder)
    assert (result.status, status.exit, status.why) == (70, 70, "bug")
    assert status.text == "RuntimeError: as if it were a bug"
    assert "Traceback" in result.err


# ---------------------------------------------------------------- what other jobs have done


def test_records_of_parents_tell_what_is_there(site: Site) -> None:
    site.command.wfile(CHAIN)
    first = site.batch(only=lambda name: name.startswith("a["))
    second = site.batch(only=lambda name: name.startswith("b["), parents=(first,))
    third = site.batch(only=lambda name: name == "all", parents=(second,))
    for folder, count in ((first, 3), (second, 3), (third, 1)):
        result = site.run(folder)
        assert (result.status, status_of(folder).done) == (0, count), result
    assert site.command.text("all.txt") == "1\n1\n2\n2\n3\n3\n"
    assert site.plan() == []


def test_what_a_parent_has_given_up_is_left_out_by_its_children(site: Site) -> None:
    site.command.wfile(CAMPAIGNS["what may fail"])
    expected = local_run(site.command, site.root.parent / "local")
    first = site.batch(only=lambda name: name.startswith("dock"))
    second = site.batch(only=lambda name: not name.startswith("dock"), parents=(first,))
    assert [site.run(folder).status for folder in (first, second)] == [0, 0]
    assert site.command.files() == expected
    assert site.plan() == []


def test_what_a_parent_has_not_done_is_waited_for_in_vain(site: Site) -> None:
    site.command.wfile(CHAIN.replace("echo {i} >", "test {i} != 2; echo {i} >"))
    first = site.batch(only=lambda name: name.startswith("a["), keep_going=True)
    second = site.batch(only=lambda name: not name.startswith("a["), parents=(first,), keep_going=True)
    site.run(first)
    site.run(second)
    assert sorted(done(second)) == ["b[i=1]", "b[i=3]"]
    assert status_of(second).left == 2


def test_files_of_a_parents_produces_are_found_by_their_names(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "out2"
        rule make:
            produces: "in{i}"
            run: echo 1 > in1; echo 2 > in2
        rule take:
            input: "in2"
            output: "out2"
            run: cp {input} {output}
        """
    )
    first = site.batch(only=lambda name: name == "make")
    second = site.batch(only=lambda name: name == "take", parents=(first,))
    assert [site.run(folder).status for folder in (first, second)] == [0, 0]
    assert site.command.text("out2") == "2\n"
    assert site.plan() == []


# ---------------------------------------------------------------- a job that is started again


def kill_at_fifo(site: Site, folder: JobFolder, *, number: int, records: int) -> None:
    """Kill a job while a task of it reads from `fifo` and so many successes and failures are written down."""
    process = site.start(folder, number=number)
    with (site.root / "fifo").open("w"):
        while sum(record["k"] in {"ok", "fail"} for record in records_of(folder)) < records:
            assert process.poll() is None, ended(process)
        process.kill()
        ended(process)


def test_a_restart_of_the_same_job_goes_on_behind_its_records(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "all"
        rule a:
            output: "a{i}"
            run: echo ran >> ran{i}; touch {output}
        rule all:
            input: "a{i}" for i in 1..3
            output: "all"
            run: read -r line < fifo || true; cat {input} > {output}
        """
    )
    site.command.fifo("fifo")
    folder = site.batch()
    kill_at_fifo(site, folder, number=7, records=3)
    assert sorted(done(folder)) == ["a[i=1]", "a[i=2]", "a[i=3]"]
    os.unlink(site.root / "fifo")
    site.command.write("fifo", "go\n")
    result = site.run(folder, number=7, env={"SLURM_RESTART_COUNT": "1"})
    assert result.status == 0, result
    assert [site.command.lines(f"ran{n}") for n in (1, 2, 3)] == [["ran"]] * 3
    assert sorted(done(folder)) == ["a[i=1]", "a[i=2]", "a[i=3]", "all"]
    assert status_of(folder).restart == 1
    assert site.plan() == []


def test_failures_before_a_restart_count(site: Site) -> None:
    site.command.wfile(
        """\
        target all: "out"
        rule out:
            output: "out"
            retries: 1
            run: echo {attempt} >> tries; test {attempt} = 2; read -r line < fifo; false
        """
    )
    site.command.fifo("fifo")
    folder = site.batch()
    kill_at_fifo(site, folder, number=7, records=1)
    assert site.command.lines("tries") == ["1", "2"]
    os.unlink(site.root / "fifo")
    site.command.write("fifo", "go\n")
    result = site.run(folder, number=7, env={"SLURM_RESTART_COUNT": "1"})
    assert result.status == 1, result
    assert site.command.lines("tries") == ["1", "2", "2"], "what was cut spends nothing, what failed does"


# ---------------------------------------------------------------- what it says of itself


def test_a_status_at_each_stage(site: Site) -> None:
    site.command.wfile(ONE.replace("echo made", "read -r line < fifo; echo"))
    fifo = site.command.fifo("fifo")
    folder = site.batch()
    assert folder.read_status() is None
    process = site.start(folder, number=7)
    with fifo.open("w") as file:
        status = status_of(folder)
        assert (status.state, status.job, status.restart, status.exit) == (RUNNING, "7", 0, None)
        assert (status.rows, status.left, status.done) == (1, 1, 0)
        assert status.host
        assert status.began
        file.write("go\n")
    ended(process)
    after = status_of(folder)
    assert (after.state, after.exit, after.why, after.done, after.left) == (OVER, 0, "done", 1, 0)
    assert after.beat > status.beat
    assert after.ended >= after.began


# ---------------------------------------------------------------- on emulated machines

MACHINES = ["theta", "polaris", "frontier"]


@pytest.mark.parametrize("name", MACHINES)
def test_a_job_script_runs_on_an_emulated_machine(command: Command, name: str) -> None:
    site = Site(command, name)
    command.wfile(
        CHAIN
        + """\

rule wide:
    output: "wide"
    nodes: 2
    ranks_per_node: 2
    run: {launch} sh -c 'echo rank' > {output}
"""
    )
    folder = site.batch("all", "wide")
    result = site.run_on_testbed(folder, "--nodes", "2", "--time", "10m")
    assert result.status == 0, result
    assert status_of(folder).job
    assert command.text("all.txt") == "1\n1\n2\n2\n3\n3\n"
    assert command.lines("wide").count("rank") == 4
    assert site.plan("all", "wide") == []


# ---------------------------------------------------------------- the program


def test_a_job_knows_neither_parser_nor_planner(site: Site) -> None:
    site.command.wfile(CAMPAIGNS["what may fail"])
    modules = site.spied(site.batch())
    assert "hpcmake.engine" in modules
    known = ("hpcmake.parser", "hpcmake.planner", "hpcmake.testbed", "hpcmake.sites", "hpcmake.cli")
    assert [name for name in modules if name.startswith(known)] == []


def test_it_runs_from_the_copy_that_was_made_when_it_was_submitted(site: Site) -> None:
    site.command.wfile(CHAIN)
    folder = site.batch()
    with open(folder.script, encoding="utf-8") as file:
        last = file.read().splitlines()[-2]
    program = last.split()[-2]
    assert program.startswith(f"{site.root}/.hpcmake/bin/")
    assert last == f"exec {sys.executable} {program} {folder.key}"
    modules = site.spied(folder, program=program)
    assert all((path or program).startswith(program) for path in modules.values())


MAKE = "from hpcmake.jobs.programs import require_program; print(require_program('.hpcmake'))"


def installed(site: Site) -> str:
    """Return a folder in which hpcmake is installed, as a test may change it."""
    import hpcmake

    folder = site.root.parent / "installed"
    shutil.copytree(os.path.dirname(hpcmake.__file__), folder / "hpcmake", ignore=shutil.ignore_patterns("__pycache__"))
    return str(folder)


def make_program(site: Site, where: str) -> subprocess.Popen[str]:
    """Start what makes the program of jobs."""
    (site.root / ".hpcmake").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", MAKE],
        cwd=site.root,
        env=site.command.environment({"PYTHONPATH": where}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_what_is_installed_may_be_removed_or_changed_meanwhile(site: Site) -> None:
    site.command.wfile(CHAIN)
    folder = site.batch()
    where = installed(site)
    program = ended(make_program(site, where)).out.strip()
    with open(f"{where}/hpcmake/engine.py", "a", encoding="utf-8") as file:
        file.write("\n# a later version\n")
    later = ended(make_program(site, where)).out.strip()
    assert later != program
    shutil.rmtree(where)
    for each in (program, later):
        assert "# a later version" not in site.command.text(f"{program}/hpcmake/engine.py")
        assert os.path.isdir(site.root / each)
    result = site.run(folder, program=f"{site.root}/{program}")
    assert result.status == 0, result
    assert site.plan() == []


def test_two_drivers_make_it_at_once(site: Site) -> None:
    where = installed(site)
    made = {ended(process).out.strip() for process in [make_program(site, where) for _ in range(2)]}
    assert len(made) == 1
    assert os.listdir(site.root / ".hpcmake/bin") == [made.pop().rpartition("/")[2]]


def test_records_are_lines_with_checksums_in_the_order_in_which_tasks_ended(site: Site) -> None:
    site.command.wfile(CHAIN)
    _, folder = site.job()
    for record in records_of(folder):
        assert json.loads(json.dumps(record)) == record
    assert done(folder)[-1] == "all"
    assert {record["k"] for record in records_of(folder)} <= {"def", "set", "ok"}
