"""What is known of Cobalt and PBS that decides whether a queue can be driven, and which tests keep it.

A test keeps a fact if its docstring names it, as in `Cobalt fact 1.3: …` or `PBS facts 1.1 and 1.3: …`; in a module that
is of one scheduler alone, `Fact 1.3: …` will do.

    Cobalt 1.1   A parent that has left the queue is never satisfied; qsub warns, prints an id and exits 0.
                 test_schedulers_cobalt: test_a_parent_that_has_left_the_queue_is_told_while_the_job_is_taken
                 test_jobs_submitting: test_cobalt_takes_a_job_whose_parent_is_gone_and_says_so
                 test_jobs_policy: test_a_parent_that_is_over_and_good_is_not_named
                 test_testbed_cobalt: test_a_parent_that_has_left_the_queue_releases_nobody
    Cobalt 1.2   Only exit status 0 releases a child; else it is in dep_fail for ever, and takes a place.  No afterany.
                 test_schedulers_cobalt: test_what_cobalt_cannot_do
                 test_jobs_policy: test_what_will_never_start_is_deleted_with_its_children_the_last_first
                 test_testbed_cobalt: test_only_status_0_releases_a_child
    Cobalt 1.3   dep_fail does not run down a chain: a grandchild stays dep_hold.
                 test_jobs_policy: test_what_will_never_start_is_deleted_with_its_children_the_last_first
                 test_testbed_cobalt: test_dep_fail_does_not_run_down_a_chain
    Cobalt 1.4   The end of a parent is credited only to children in dep_hold: never -h with dependencies.
                 test_schedulers_cobalt: test_what_cobalt_cannot_do
                 test_jobs_policy: test_what_somebody_holds_is_told_and_not_touched
                 test_testbed_cobalt: test_a_success_is_credited_only_to_children_in_dep_hold
    Cobalt 1.5   A job that traps SIGTERM at its walltime and exits 0 starts its children.
                 test_here: test_a_job_that_is_told_to_end_ends_what_runs_and_says_so
                 test_testbed_cobalt: test_a_script_that_traps_sigterm_and_exits_0_releases_its_children
    Cobalt 1.6   qstat of a job that is gone prints nothing, and exits 1; there is no history.
                 test_schedulers_cobalt_queue: test_one_job, test_there_is_no_history
                 test_jobs_watch: test_an_empty_table_of_cobalt_is_believed_of_no_job_before_it_was_asked_for_by_itself
                 test_testbed_cobalt: test_of_a_job_that_has_left_nothing_is_told
    Cobalt 1.7   So it exits while the queue manager is down, with text on stderr.
                 test_schedulers_cobalt_queue: test_what_tells_nothing_of_jobs
                 test_jobs_watch: test_an_answer_that_is_none_tells_of_no_job
                 test_testbed_cobalt: test_while_the_server_is_down_there_is_text_on_stderr
    Cobalt 1.8   The exit status is only in the .cobaltlog, seconds later; of killed jobs, never.
                 test_schedulers_cobalt_queue: test_the_last_line_comes_late, test_an_end_in_the_log
                 test_jobs_watch: test_a_job_that_is_gone_without_a_word_is_lost_after_a_while
                 test_testbed_cobalt: test_the_exit_status_is_told_only_after_the_job_has_left_the_queue
                 test_testbed_cobalt: test_of_a_job_that_was_killed_no_exit_status_is_told
    Cobalt 1.9   qdel of an unknown id or another user's job: no output, exit 0.
                 test_schedulers_cobalt: test_qdel_is_silent_of_a_job_that_is_unknown_or_not_ours
                 test_jobs_submitting: test_cobalt_is_silent_of_what_it_could_not_delete
                 test_testbed_cobalt: test_qdel_says_nothing_of_what_it_does_not_delete
    Cobalt 1.10  stdout of qsub may hold more than the id.
                 test_schedulers_cobalt: test_the_server_may_add_a_message_to_the_id, test_lines_may_go_before_the_id
                 test_jobs_submitting: test_the_id_is_found_beside_whatever_else_cobalt_says
                 test_testbed_cobalt: test_stdout_of_qsub_may_hold_more_than_the_id
    Cobalt 1.11  In a full queue, changes of jobs in it are refused as well.
                 test_schedulers_cobalt: test_a_change_that_is_refused
                 test_jobs_submitting: test_where_the_queue_is_full_no_job_can_be_released_and_what_stays_is_taken_back
                 test_testbed_cobalt: test_in_a_full_queue_nothing_can_be_changed_but_holds
    Cobalt 1.12  All jobs of a user in a queue count for MaxQueued, dep_fail ones too.
                 test_jobs_policy: test_every_job_of_the_user_takes_a_place_held_and_failed_ones_too
                 test_testbed_cobalt: test_all_jobs_of_a_user_count
    Cobalt 1.13  #COBALT lines are read only directly under the first line, without quoting.
                 test_scheduler_facts: test_a_script_asks_for_nothing
                 test_testbed_cobalt: test_lines_of_a_script_are_read_only_directly_under_the_first
    Cobalt 1.14  Options stand before the script.
                 test_schedulers: test_a_submission_has_no_empty_word_and_ends_with_the_script
                 test_testbed_cobalt: test_what_follows_the_script_is_its_own
    Cobalt 1.15  -t 1:30 is hours and minutes; seconds are dropped.
                 test_schedulers_cobalt: test_a_walltime_is_minutes_and_never_has_a_colon
                 test_testbed_cobalt: test_one_colon_parts_hours_and_minutes
    Cobalt 1.16  qsub --dependencies none is a dependency on a job called none.
                 test_scheduler_facts: test_who_waits_for_nobody_says_nothing_of_it
                 test_schedulers_cobalt: test_altering
                 test_testbed_cobalt: test_none_is_a_dependency_on_a_job_of_that_name
    Cobalt 1.17  The environment of the submitting shell is not passed on.
                 test_scheduler_facts: test_a_script_sets_up_all_that_it_needs
                 test_testbed_cobalt: test_a_script_sees_what_was_given_with_env_and_what_cobalt_sets
    Cobalt 1.18  Output files are opened for append.
                 test_scheduler_facts: test_files_of_each_job_are_its_own
                 test_testbed_cobalt: test_output_is_appended
    Cobalt 9.1   A chain goes out at once, parents first; a parent that is done is not named.
                 test_jobs_policy: test_a_chain_goes_out_at_once_parents_first
                 test_jobs_policy: test_a_parent_that_is_over_and_good_is_not_named
                 test_testbed_cobalt: test_a_chain_is_submitted_whole
    Cobalt 9.2   Dependent jobs are never held.
                 test_schedulers_cobalt: test_what_cobalt_cannot_do
                 test_testbed_cobalt: test_a_chain_is_submitted_whole
    Cobalt 9.3   Jobs are counted per queue; limits come from qstat -Q, nodes against walltime from the site.
                 test_jobs_policy: test_every_job_of_the_user_takes_a_place_held_and_failed_ones_too
                 test_queue_facts: test_queues_of_cobalt
                 test_sites: test_theta
                 test_testbed_cobalt: test_all_jobs_of_a_user_count
                 test_testbed_cobalt: test_queues_of_each_site
    Cobalt 9.4   On a failure descendants are deleted, last first.
                 test_schedulers: test_children_are_deleted_first
                 test_jobs_policy: test_what_will_never_start_is_deleted_with_its_children_the_last_first
                 test_testbed_cobalt: test_what_is_left_of_a_chain_is_deleted_in_one_call
    Cobalt 9.5   One qstat for all jobs; gone, and do-not-know, are two things.
                 test_schedulers_cobalt_queue: test_a_poll_asks_once_for_all_jobs_of_the_user
                 test_jobs_watch: test_one_look_is_one_command_while_all_jobs_are_there
                 test_testbed_cobalt: test_of_a_job_that_has_left_nothing_is_told
    Cobalt 9.6   After gone: the job's own status, then the log, then unknown.
                 test_jobs_watch: test_a_job_that_is_gone_without_a_word_is_lost_after_a_while
                 test_testbed_cobalt: test_the_exit_status_is_told_only_after_the_job_has_left_the_queue
    Cobalt 9.7   A script that gets SIGTERM writes no success and exits non-zero.
                 test_here: test_a_job_that_is_told_to_end_ends_what_runs_and_says_so
                 test_testbed_cobalt: test_a_script_that_traps_sigterm_and_exits_0_releases_its_children
    Cobalt 9.8   The walltime is given in minutes.
                 test_schedulers_cobalt: test_a_walltime_is_minutes_and_never_has_a_colon
                 test_testbed_cobalt: test_one_colon_parts_hours_and_minutes
    Cobalt 9.9   aprun -L, whole nodes, 1000 at a time, pauses; nothing is begun that cannot end; else exit non-zero.
                 test_launchers: test_aprun_gives_a_node_whole_and_binds_nothing
                 test_sites: test_theta
                 test_here: test_what_does_not_end_in_time_is_not_begun
    Cobalt 9.10  Options are given on the command line.
                 test_scheduler_facts: test_a_script_asks_for_nothing
                 test_testbed_cobalt: test_lines_of_a_script_are_read_only_directly_under_the_first

    PBS 1.1      Children of a failed parent are deleted at once: F, substate 92, no Exit_status.
                 test_schedulers_pbs_queue: test_how_a_job_ended
                 test_testbed_pbs: test_children_of_a_parent_that_fails_are_deleted_with_their_children
                 test_testbed_pbs: test_deleting_a_parent_deletes_its_children
                 test_testbed_pbs_driver: test_how_jobs_have_ended
                 test_testbed_pbs_session: test_a_chain_runs_one_after_the_other
                 test_jobs_watch: test_a_child_that_pbs_has_deleted_with_its_parent_never_ran
    PBS 1.2      A finished parent counts as long as it is in the history; one that is unknown deletes the child.
                 test_testbed_pbs: test_kinds_of_dependencies
                 test_testbed_pbs: test_a_job_with_a_parent_that_nobody_knows_is_taken_and_deleted
    PBS 1.3      Finished jobs are kept: qstat -x; without it, exit 35.
                 test_schedulers_pbs_queue: test_polls, test_one_job
                 test_testbed_pbs: test_finished_jobs_are_kept
    PBS 1.4      Exit codes are PBS error numbers modulo 256.
                 test_schedulers_pbs: test_a_refusal
                 test_testbed_pbs_captures: test_a_capture
    PBS 1.5      A job that fits no target of a routing queue gets an id, and vanishes.
                 test_testbed_pbs: test_a_job_that_no_queue_behind_takes_vanishes
                 test_testbed_pbs_driver: test_ids_that_nobody_knows_are_absent_from_an_answer_about_several
                 test_jobs_watch: test_a_job_that_never_began_and_is_gone_is_lost_too
    PBS 1.6      Types in JSON are guessed; for unknown ids there is no key Jobs.
                 test_schedulers_pbs_queue: test_types_are_guessed_so_a_name_may_come_as_a_number
                 test_schedulers_pbs_queue: test_of_an_unknown_job_there_is_no_key
                 test_testbed_pbs: test_types_of_values_are_guessed, test_for_unknown_ids_the_object_has_no_jobs
    PBS 1.7      qstat without any job prints nothing.
                 test_schedulers_pbs_queue: test_without_jobs_nothing_is_printed
                 test_testbed_pbs: test_without_any_job_qstat_prints_nothing
    PBS 1.8      1:30 is 1 min 30 s.
                 test_schedulers_pbs: test_a_walltime_has_two_colons
                 test_testbed_pbs: test_one_colon_is_minutes_and_seconds
    PBS 1.9      A job starts in the home directory.
                 test_scheduler_facts: test_a_script_sets_up_all_that_it_needs
                 test_testbed_pbs: test_a_job_starts_in_the_home_directory
                 test_testbed_pbs_session: test_a_job_with_two_nodes_starts_at_home_and_launches_on_both
"""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command import Command
from scheduler_answers import JOB, scheduler

from hpcmake.jobs.folder import JobFolder
from hpcmake.site import Queue, Site

KNOWN = [
    *(f"Cobalt 1.{number}" for number in range(1, 19)),
    *(f"Cobalt 9.{number}" for number in range(1, 11)),
    *(f"PBS 1.{number}" for number in range(1, 10)),
]

QUEUE = Queue("default", None, (1, 8), ((1, 7200.0),))


# ---------------------------------------------------------------- the table


def read_table() -> dict[str, list[tuple[str, str]]]:
    """Return the tests that the table names for each fact, as pairs of a module and a function."""
    table: dict[str, list[tuple[str, str]]] = {}
    fact = ""
    for line in (__doc__ or "").splitlines():
        head = re.match(r"    ((?:Cobalt|PBS) [0-9.]+) +\S", line)
        tests = re.match(r" {17}(test_\w+): (.*)", line)
        if head:
            fact = head[1]
            table[fact] = []
        elif tests:
            table[fact] += [(tests[1], name) for name in tests[2].split(", ")]
    return table


def read_claims(module: str) -> dict[str, set[str]]:
    """Return the facts that the docstring of each test of a module names."""
    ours = next((name for name in ("Cobalt", "PBS") if name.lower() in module), "")
    path = os.path.join(os.path.dirname(__file__), f"{module}.py")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    claims: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            claims[node.name] = {
                f"{each[1] or ours} {number}"
                for each in re.finditer(r"(?:(Cobalt|PBS) )?[Ff]acts? ([0-9.]+\d(?:(?:, | and )[0-9.]+\d)*)", text)
                for number in re.split(", | and ", each[2])
            }
    return claims


def test_each_fact_is_kept_by_some_test() -> None:
    table = read_table()
    assert list(table) == KNOWN
    assert all(table.values())


@pytest.mark.parametrize("fact", KNOWN)
def test_a_test_that_keeps_a_fact_names_it(fact: str) -> None:
    for module, name in read_table()[fact]:
        assert fact in read_claims(module).get(name, set()), f"{module}: {name}"


# ---------------------------------------------------------------- scripts


@pytest.fixture
def script(command: Command) -> str:
    """A script as it is submitted, from a campaign on an emulated machine where its job never starts."""
    command.wfile('target all: "x.txt"\n\nrule x:\n    output: "x.txt"\n    time: 5m\n    run: echo > {output}\n')
    (command.root / "site.toml").write_text(
        'name = "theta"\nproject = "P"\nsetup = "module load there\\nexport HERE=1"\n'
    )
    drive = (sys.executable, "-m", "hpcmake", "-j", "2", "--site", "./site.toml", "--detach")
    result = command.real("testbed", "theta", "--quiet", "--fault", "job-stuck:1", "--", *drive)
    assert result.status == 0, result
    (path,) = command.root.glob(".hpcmake/jobs/*/job.sh")
    return str(path)


def test_a_script_asks_for_nothing(script: str) -> None:
    """Cobalt facts 1.13 and 9.10: its lines would be split at blanks, and only some of them read."""
    lines = Path(script).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith(("#COBALT", "#PBS", "#SBATCH"))]
    words = scheduler("cobalt").render_submit(Site("theta", "cobalt", "aprun", project="P"), QUEUE, JOB)
    assert {"-n", "-t", "-q", "-A", "-o", "-e", "--jobname", "--debuglog"} <= set(words)


def test_a_script_sets_up_all_that_it_needs(script: str, command: Command) -> None:
    """Cobalt fact 1.17: nothing comes from the shell that submits.  PBS fact 1.9: it begins elsewhere."""
    code = [line for line in Path(script).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert shlex.split(code[0])[:3] == ["cd", "--", str(command.root)]
    assert code[1:3] == ["module load there", "export HERE=1"]
    runner = next(shlex.split(line) for line in code if line.startswith("exec "))
    assert [os.path.isabs(word) for word in runner[1:3]] == [True, True]
    assert runner[-1] == Path(script).parent.name, "the key is the name of the folder"
    alone = subprocess.run(["/bin/bash", "-n", script], env={}, capture_output=True, check=False)
    assert (alone.returncode, alone.stderr) == (0, b"")


def test_files_of_each_job_are_its_own() -> None:
    """Cobalt fact 1.18: else a second job would add to the output and the log of the first."""
    folders = (JobFolder(f".hpcmake/jobs/hm00000-000{number}-ab") for number in (1, 2))
    first, second = ({each.out, each.err, each.cobaltlog} for each in folders)
    assert not first & second


# ---------------------------------------------------------------- submissions


def test_who_waits_for_nobody_says_nothing_of_it() -> None:
    """Cobalt fact 1.16: qsub would take `none` for the name of a job."""
    cobalt = scheduler("cobalt")
    assert "--dependencies" not in cobalt.render_submit(Site("theta", "cobalt", "aprun"), QUEUE, JOB)
    assert "none" not in (cobalt.render_parents("1", []) or [])
