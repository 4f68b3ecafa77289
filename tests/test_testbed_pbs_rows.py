"""The forms in which the emulated qstat prints jobs: letter by letter those of the captures."""

import json

from pbs_bench import read_capture

from hpcmake.testbed.queue.pbs_rows import render_alternative, render_full, render_json, render_table

FIRST = read_capture("01-submit-run-finish.txt")
LONG = "349726.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov"


def texts(value: object) -> object:
    """Return a value of JSON with all numbers as texts."""
    return {key: texts(each) for key, each in value.items()} if isinstance(value, dict) else str(value)


def captured(place: int) -> tuple[dict[str, object], dict[str, dict[str, str | dict[str, str]]]]:
    """Return the head and the jobs of a JSON that was captured."""
    told = json.loads(FIRST[place].answer.out)
    jobs = {name: texts(each) for name, each in told.pop("Jobs", {}).items()}
    return told, jobs  # type: ignore[return-value]


def test_the_captured_json_is_written_again() -> None:
    """PBS fact 1.6: numbers are guessed from texts."""
    for place in (3, 8):
        assert FIRST[place].line.startswith(("qstat -f -F json", "qstat -xf -F json"))
        head, jobs = captured(place)
        assert render_json("Jobs", head, list(jobs.items())) == FIRST[place].answer.out


def test_without_jobs_there_is_no_key() -> None:
    """PBS fact 1.6: for unknown ids the object has no `Jobs` key at all."""
    head, _ = captured(3)
    assert render_json("Jobs", head, []) == (
        '{\n\t"timestamp":\t1795349056,\n\t"pbs_version":\t"23.06.06",\n\t"pbs_server":\t"pbs01"\n}\n'
    )


def test_the_long_form_is_broken_where_pbs_breaks_it() -> None:
    _, jobs = captured(3)
    assert FIRST[2].line == "qstat -f 0"
    assert render_full("Job Id", "0.pbs01", jobs["0.pbs01"]) == FIRST[2].answer.out


def test_what_does_not_fit_into_a_table_is_cut() -> None:
    # as the guide of a site shows it
    job: dict[str, str | dict[str, str]] = {
        "Job_Name": "a_name_of_more_than_that",
        "Job_Owner": "user1@login",
        "resources_used": {"cput": "2044:14:12", "walltime": "08:25:00"},
        "job_state": "R",
        "queue": "large",
        "Resource_List": {"nodect": "60", "ncpus": "3840", "walltime": "24:00:00"},
        "session_id": "34449",
        "comment": "Job run at Tue Nov 15 at 16:44 on (x3006c0s13b1n0:ngpus=4:ncpus=64)+(x3006c0s19b0n0)",
    }
    assert render_table([(LONG, job)]).splitlines()[-1] == (
        "349726.polaris-p* a_name_of_more_* user1             2044:14* R large           "
    )
    narrow = render_alternative("pbs01", [(LONG, job)], wide=False, comments=True, one_line=True)
    assert narrow.splitlines()[-1] == (
        "349726.polaris* user1    large    a_name_of*  34449  60 38*    --  24:00 R 08:25"
        "    Job run at Tue Nov 15 at 16:44 on (x3006c0s13b1n0:ngpus=4:ncpus=64)+(x..."
    )
