"""`hpcmake testbed polaris -- COMMAND`: an emulated PBS with real processes."""

from command import Command

ASK = "-A P -l filesystems=home -q debug -l walltime=00:30:00"
UNTIL = "over() { until qstat -x $1 | grep -q ' F '; do :; done; }\n"


def session(command: Command, script: str, *words: str, speed: int = 100, hurry: int = 1) -> tuple[str, str]:
    """Run a script on the login node; return what it printed."""
    times = ("--speed", str(speed), "--hurry", str(hurry))
    argv = ("testbed", "polaris", "--quiet", *times, *words, "--", "bash", "-c", UNTIL + script)
    result = command.real(*argv, env={"HOME": str(command.root)})
    assert result.status == 0, result.err
    return result.out, result.err


def test_a_chain_runs_one_after_the_other(command: Command) -> None:
    """PBS fact 1.1: success is F with Exit_status 0; children of a failed parent are F without one.

    PBS fact 1.3: finished jobs are kept in the history.
    """
    (command.root / "job.sh").write_text("#!/bin/bash\necho $PBS_JOBNAME >>$PBS_O_WORKDIR/ran\nexit $E\n")
    script = f"""
        a=$(qsub {ASK} -N a -v E=0 -h job.sh)
        b=$(qsub {ASK} -N b -v E=3 -W depend=afterok:$a job.sh)
        c=$(qsub {ASK} -N c -v E=0 -W depend=afterok:$b job.sh)
        d=$(qsub {ASK} -N d -v E=0 -W depend=afterany:$b job.sh)
        qrls $a; over $d
        cat ran
        qstat; echo $?
        qstat -xf $a $b $c $d | grep -E "Job_Name|job_state|Exit_status"
    """
    out, err = session(command, script)
    lines = [line.strip() for line in out.splitlines()]
    assert lines[:4] == ["a", "b", "d", "0"]
    assert lines[4:] == [
        *("Job_Name = a", "job_state = F", "Exit_status = 0"),
        *("Job_Name = b", "job_state = F", "Exit_status = 3"),
        *("Job_Name = c", "job_state = F"),
        *("Job_Name = d", "job_state = F", "Exit_status = 0"),
    ]
    assert err == ""


def test_a_job_with_two_nodes_starts_at_home_and_launches_on_both(command: Command) -> None:
    """PBS fact 1.9: the job starts in the home directory."""
    place = command.root / "place"
    place.mkdir()
    (place / "job.sh").write_text(
        "pwd\ncd $PBS_O_WORKDIR\npwd\nmpiexec -n 2 --ppn 1 true && sort -u $PBS_NODEFILE | wc -l\n"
    )
    script = f"cd place; id=$(qsub {ASK} -l select=2 -j oe -o all.txt job.sh); over $id; cat all.txt"
    out, _ = session(command, script)
    assert out.splitlines() == [str(command.root), str(place), "2"]


def test_a_job_that_is_killed_at_its_walltime_and_one_that_is_deleted(command: Command) -> None:
    script = f"""
        late=$(qsub {ASK} -l walltime=00:05:00 -N late -- /bin/sleep 1000)
        gone=$(qsub {ASK} -N gone -- /bin/sleep 1000)
        until qstat -f $gone | grep -q 'substate = 42'; do :; done
        qdel $gone; over $gone; over $late
        qstat -xf $gone $late | grep -E "Exit_status"
        cat late.e*
    """
    out, _ = session(command, script, speed=1000, hurry=1000)
    assert [line.strip() for line in out.splitlines()] == [
        "Exit_status = 271",
        "Exit_status = -29",
        "=>> PBS: job killed: walltime 301 exceeded limit 300",
    ]


def test_all_processes_of_the_script_are_told_to_end(command: Command) -> None:
    (command.root / "child.sh").write_text(
        "trap 'echo told >>told; exit' TERM\necho >ready\nwhile :; do read -t 0.01 <>fifo; done\n"
    )
    (command.root / "job.sh").write_text("cd $PBS_O_WORKDIR\nmkfifo fifo\nbash child.sh &\ntrap 'wait' TERM\nwait\n")
    script = f"id=$(qsub {ASK} job.sh); until [ -e ready ]; do :; done; qdel $id; over $id; cat told"
    assert session(command, script, speed=10)[0] == "told\n"


def test_a_queue_for_one_job(command: Command) -> None:
    script = f"""
        qsub {ASK} -q debug-scaling -h -- /bin/true
        qsub {ASK} -q debug-scaling -h -- /bin/true; echo $?
    """
    out, err = session(command, script)
    assert out == "426815.testbed\n38\n"
    assert err == "qsub: would exceed queue generic's per-user limit\n"


def test_a_server_that_is_down(command: Command) -> None:
    out, err = session(command, "qstat; echo $?", "--fault", "queue-down:1h@0s")
    assert (out, err) == ("162\n", "Connection refused\nqstat: cannot connect to server testbed (errno=15010)\n")


def test_the_job_around_the_command_is_in_the_queue(command: Command) -> None:
    script = "qstat -f $PBS_JOBID | grep -E 'walltime|nodect|job_state'; wc -l <$PBS_NODEFILE"
    result = command.real("testbed", "polaris", "--quiet", "--nodes", "3", "--time", "20m", "--", "bash", "-c", script)
    assert [line.strip() for line in result.out.splitlines()] == [
        "job_state = R",
        "Resource_List.nodect = 3",
        "Resource_List.walltime = 00:20:00",
        "3",
    ]
