"""Jobs as plain scripts: they run without hpcmake, pass bash and shellcheck, and make the same files as hpcmake does."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command

CAMPAIGN = """\
param greeting = "it's {{ $HOME }}"

target all: "all.txt", "done", "small/x y.txt"

rule sort:
    input: "names/{city}.txt"
    output: "sorted/{city}.txt"
    cores: 16
    retries: 1
    time: 5m
    run:
        # the first letter of {city}
        echo '{city}' "in quotes: {city}" > {output}
        cat >> {output} <<END
        {input} and ${UNSET-nothing}
        END
        sort {input} >> {output}

rule first:
    input: "sorted/{city}.txt"
    output: "first/{city}.txt"
    log: "logs/{city}.txt"
    workdir: "work/{city}"
    nodes: 4
    ranks_per_node: 2
    time: 10m
    run:
        echo logged
        {launch} head -n 1 {input} > {output}

rule merge:
    input: "first/{city}.txt" for each "names/{city}.txt"
    output: "all.txt"
    env: GREETING = greeting
    run: { cat {input}; cat @{input!file} || cat {input!file}; echo "$GREETING"; } > {output} 2>/dev/null

rule mark:
    input: "all.txt"
    output: touch "done"
    post: echo posted > posted.txt
    run: true

rule small:
    output: "small/{name}.txt"
    run python3:
        open({output}, "w").write({name} + "\\n")
"""

# takes its options, and starts the program once; what it was asked for is noted
LAUNCHER = """#!/bin/bash
echo "$0 $*" >>"$NOTED"
while [[ ${1-} == -* ]]; do
    case $1 in
        -q | -b | --exact | --overlap | --*=*) shift ;;
        *) shift 2 ;;
    esac
done
[ "${1-}" = : ] && shift
exec "$@"
"""


@pytest.fixture
def campaign(command: Command) -> Command:
    """Three cities, names that need quotes, whole nodes, an interpreter, a marker, a post."""
    command.wfile(CAMPAIGN)
    for city in ("rome", "san marino", "l'aquila"):
        command.write(f"names/{city}.txt", "b\na\n")
    for name in ("aprun", "mpiexec", "runjob"):
        command.write(f"bin/{name}", LAUNCHER)
        os.chmod(command.root / "bin" / name, stat.S_IRWXU)
    return command


def environment(command: Command) -> dict[str, str]:
    found = command.environment()
    return found | {"PATH": f"{command.root}/bin:{found['PATH']}", "NOTED": str(command.root / "noted")}


def run(command: Command, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(command.root / name)],
        cwd="/",
        env=environment(command) | {"SLEEP": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def made(command: Command) -> dict[str, str]:
    return {
        path: text
        for path, text in command.files().items()
        if not path.startswith(("names/", "bin/", "plain/", "noted")) and path != "Wfile"
    }


def written(command: Command, *words: str) -> list[str]:
    result = command.say("script", "plain", *words)
    assert result.status == 0, result
    paths = result.out.splitlines()
    for path in paths:
        command.write(path, command.text(path).replace("sleep ", ": "))
        done = subprocess.run(["bash", "-n", command.root / path], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), path
    return paths


def test_scripts_make_the_same_files_as_hpcmake(campaign: Command) -> None:
    paths = written(campaign, "--site", "theta", "-A", "P")
    assert paths == ["plain/job-1.sh", "plain/submit.sh"]
    assert made(campaign) == {}
    done = run(campaign, "plain/job-1.sh")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    by_script = made(campaign)
    assert "small/x y.txt" in by_script
    noted = campaign.lines("noted")
    assert sum("-n 8 -N 2" in line for line in noted) == 3
    assert all("aprun" in line for line in noted)
    for path in by_script:
        os.unlink(campaign.root / path)
    result = campaign.say("-j", "8", env=environment(campaign))
    assert result.status == 0, result
    assert made(campaign) == by_script


def test_where_a_task_fails_its_row_is_told_and_what_needs_it_is_not_begun(campaign: Command) -> None:
    campaign.write("Wfile", CAMPAIGN.replace("sort {input} >>", "sort {input} >> {output}; false; echo >>"))
    written(campaign, "--site", "theta")
    done = run(campaign, "plain/job-1.sh")
    assert done.returncode == 1
    assert "failed (2 of 2): task_sort rome sorted/rome.txt names/rome.txt\n" in done.stderr
    assert not campaign.exists("first/rome.txt")


def test_what_differs_between_tasks_is_an_argument_and_a_rule_one_function(campaign: Command) -> None:
    written(campaign, "--site", "theta")
    text = campaign.text("plain/job-1.sh")
    assert text.count("task_sort() (") == 1
    assert "task_sort 'l'\\''aquila' 'sorted/l'\\''aquila.txt' 'names/l'\\''aquila.txt'\n" in text
    assert "task_sort rome sorted/rome.txt names/rome.txt\n" in text
    assert "aprun -n 8 -N 2 -d 1 -j 1 -cc depth head -n 1" in text
    assert "# 3 tasks of first, 3 beside each other on 4 nodes each\n" in text


def test_several_jobs_are_submitted_with_what_they_wait_for(campaign: Command) -> None:
    paths = written(campaign, "--site", "theta", "--job-time", "30m", "--job-nodes", "128")
    assert len(paths) > 2
    submit = campaign.text("plain/submit.sh")
    assert ': "${PROJECT:?set PROJECT to the project that is to be charged}"' in submit
    assert '$(qsub -A "$PROJECT" job-1.sh' in submit
    assert '--dependencies "$job_1" job-2.sh' in submit
    campaign.write("bin/qsub", '#!/bin/bash\necho "qsub $*" >>"$NOTED"\necho Some words\nwc -l <"$NOTED"\n')
    os.chmod(campaign.root / "bin/qsub", stat.S_IRWXU)
    assert run(campaign, "plain/submit.sh").returncode != 0
    os.environ["PROJECT"] = "P"
    try:
        done = subprocess.run(
            [campaign.root / "plain/submit.sh"],
            env=environment(campaign) | {"PROJECT": "P"},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        del os.environ["PROJECT"]
    assert done.stdout.splitlines()[:2] == ["job 1: 1", "job 2: 2"]
    assert campaign.lines("noted")[:2] == ["qsub -A P job-1.sh", "qsub -A P --dependencies 1 job-2.sh"]


GALAXY = """\
scheduler = "slurm"
launcher = "srun"
margin = "2m"

[node.thin]
cores = 48

[[queue]]
name = "normal"
node = "thin"
nodes = [1, 128]
longest = [[1, "2d"]]
"""

BLUE = """\
target all: "out/{x}" for x in 1..3

rule sim:
    output: "out/{x}"
    nodes: 512
    ranks_per_node: 16
    time: 10m
    run: {launch} echo {x} > {output}
"""


def test_blocks_are_booted_used_and_freed(campaign: Command) -> None:
    campaign.write("Wfile", BLUE)
    for name, text in {
        "get-bootable-blocks": '#!/bin/bash\necho "get $*" >>"$NOTED"\nprintf "%s\\n" B1 B2 B3 B4\n',
        "boot-block": '#!/bin/bash\necho "boot $*" >>"$NOTED"\n',
    }.items():
        campaign.write(f"bin/{name}", text)
        os.chmod(campaign.root / "bin" / name, stat.S_IRWXU)
    written(campaign, "--site", "mira", "--job-nodes", "2048")
    done = subprocess.run(
        [campaign.root / "plain/job-1.sh"],
        env=environment(campaign) | {"COBALT_PARTNAME": "MIR-0-2048"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [campaign.text(f"out/{x}") for x in (1, 2, 3)] == ["1\n", "2\n", "3\n"]
    noted = [line.rpartition("/bin/")[2] for line in campaign.lines("noted")]
    assert noted[0] == "get --size 512 MIR-0-2048"
    assert sorted(noted[1:4]) == ["boot --block B1", "boot --block B2", "boot --block B3"]
    assert sorted(noted[4:7]) == [f"runjob --block B{x} --np 8192 -p 16 : echo {x}" for x in (1, 2, 3)]
    assert noted[7:] == [f"boot --block B{x} --free" for x in (1, 2, 3)]


def test_nodes_are_named_where_a_launcher_wants_to_hear_them(campaign: Command) -> None:
    written(campaign, "--site", "polaris", "--queue", "prod", "--job-nodes", "10", "--until", "all.txt")
    campaign.write("nodes", "".join(f"n{number}\n" for number in range(10) for _ in range(2)))
    done = subprocess.run(
        [campaign.root / "plain/job-1.sh"],
        env=environment(campaign) | {"PBS_NODEFILE": str(campaign.root / "nodes")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    wide = sorted(line.partition("--hosts ")[2] for line in campaign.lines("noted") if "head" in line)
    assert [line.split()[0] for line in wide] == ["n0,n1,n2,n3", "n0,n1,n2,n3", "n4,n5,n6,n7"]


@pytest.mark.needs(program="shellcheck")
@pytest.mark.parametrize("site", ["theta", "polaris", "galaxy", "mira"])
def test_shellcheck_finds_nothing(campaign: Command, site: str) -> None:
    if site == "mira":
        campaign.write("Wfile", BLUE)
    campaign.write("sites/galaxy.toml", GALAXY)
    paths = written(campaign, "--site", site)
    found = subprocess.run(
        ["shellcheck", *(campaign.root / path for path in paths)], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_scripts_of_a_former_plan_are_removed_and_others_are_not(campaign: Command) -> None:
    written(campaign, "--site", "theta", "--job-time", "30m", "--job-nodes", "128")
    campaign.write("plain/job-9.sh", "#!/bin/bash\n# mine\n")
    written(campaign, "--site", "theta")
    names = sorted(path for path in campaign.files() if path.startswith("plain/") and "lists" not in path)
    assert names == ["plain/job-1.sh", "plain/job-9.sh", "plain/submit.sh"]


def test_what_runs_where_the_work_is_driven_is_refused(command: Command) -> None:
    command.wfile('target all: "a"\n\nrule r:\n    output: "a"\n    site: "local"\n    run: touch {output}\n')
    result = command.say("script", "--site", "theta")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "error[E818]: 1 task of `r` runs where the work is driven, and a script drives nothing\n"
        " --> Wfile:5:11\n"
        '5 |     site: "local"\n'
        "  |           ^^^^^^^\n"
        "  = help: run them before: `hpcmake --until FILE` with a file that `r` makes\n"
    )


def test_a_budget_that_the_jobs_would_pass_is_told(campaign: Command) -> None:
    result = campaign.say("script", "plain", "--site", "theta", "--budget", "10")
    assert result.status == 0
    assert re.fullmatch(
        r"they reserve \d+ node-hours, and the budget is 10: the first 0 of 1 jobs stay within it\n", result.err
    )


def test_scripts_are_those_of_a_site(campaign: Command) -> None:
    result = campaign.say("script")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error[E808]: `script` writes the jobs of a site, and no site is named\n")
