"""What the commands of PBS say when they refuse, with the number of each error.

Owns these texts and numbers, as OpenPBS 23.06 printed them or has them in its tables.  Knows nothing of jobs.
"""

from __future__ import annotations

from hpcmake.testbed.queue.nouns import Answer

ILLEGAL_VALUE, UNKNOWN_QUEUE, NO_QUEUE = 15014, 15018, 15037
BAD_STATE, UNKNOWN_JOB, NOT_YOURS, FINISHED = 15016, 15001, 15007, 15139
NOT_ENABLED, NO_ACCESS, OVER_LIMITS, TOO_MANY = 15021, 15022, 15036, 15142
HOOK, UNKNOWN_RESOURCE = 15136, 15035

_TEXTS = {
    ILLEGAL_VALUE: "Illegal attribute or resource value {}",
    UNKNOWN_QUEUE: "Unknown queue",
    NO_QUEUE: "No default queue specified",
    BAD_STATE: "Request invalid for state of job {}",
    UNKNOWN_JOB: "Unknown Job Id {}",
    NOT_YOURS: "Unauthorized Request  {}",
    FINISHED: "{} Job has finished, use -x or -H to obtain historical job information",
    NOT_ENABLED: "Queue is not enabled",
    NO_ACCESS: "Access to queue is denied",
    OVER_LIMITS: "Job violates queue and/or server resource limits",
    TOO_MANY: "would exceed queue generic's per-{} limit",  # its own word for a limit that holds for everybody
    HOOK: "{} is required to be set.",
    UNKNOWN_RESOURCE: "Unknown resource {}",
}

USAGE = {
    "qsub": """\
usage: qsub [-a date_time] [-A account_string] [-c interval]
	[-C directive_prefix] [-e path] [-f ] [-h ] [-I [-X]] [-j oe|eo] [-J X-Y[:Z]]
	[-k keep] [-l resource_list] [-m mail_options] [-M user_list]
	[-N jobname] [-o path] [-p priority] [-P project] [-q queue] [-r y|n]
	[-R o|e|oe] [-S path] [-u user_list] [-W otherattributes=value...]
	[-v variable_list] [-V ] [-z] [script | -- command [arg1 ...]]
       qsub --version""",
    "qstat": """\
usage: 
qstat [-f] [-J] [-p] [-t] [-x] [-E] [-F format] [-D delim] [ job_identifier... | destination... ]
qstat [-a|-i|-r|-H|-T] [-J] [-t] [-u user] [-n] [-s] [-G|-M] [-1] [-w]
	[ job_identifier... | destination... ]
qstat -Q [-f] [-F format] [-D delim] [ destination... ]
qstat -q [-G|-M] [ destination... ]
qstat -B [-f] [-F format] [-D delim] [ server_name... ]
qstat --version""",  # noqa: W291
    "qdel": "usage:\n\tqdel [-W force|suppress_email=X] [-x] job_identifier...\n\tqdel --version",
    "qhold": "usage: qhold [-h hold_list] job_identifier...\n       qhold --version",
    "qrls": "usage: qrls [-h hold_list] job_identifier...\n       qrls --version",
    "qmove": "usage: qmove destination job_identifier...\n       qmove --version",
    "qalter": """\
usage: qalter [-a date_time] [-A account_string] [-c interval] [-e path]
	[-h hold_list] [-j y|n] [-k keep] [-J X-Y[:Z]] [-l resource_list]
	[-m mail_options] [-M user_list] [-N jobname] [-o path] [-p priority]
	[-r y|n] [-R o|e|oe] [-S path] [-u user_list] [-W dependency_list]
	[-P project_name] job_identifier...
       qalter --version""",
    "qselect": """\
usage: qselect [-a [op]date_time] [-A account_string] [-c [op]interval]
	[-h hold_list] [-H] [-J] [-l resource_list] [-N name] [-p [op]priority]
	[-q destination] [-r y|n] [-s states] [-t subopt] [-T] [-P project_name]
	[-x] [-u user_name]
       qselect --version""",
}


class No(Exception):
    """The server refuses: the number of its error, and of what."""

    def __init__(self, number: int, what: str = "") -> None:
        super().__init__(number, what)
        self.number = number
        self.what = what


def render_no(command: str, number: int, what: str = "") -> str:
    """Return the line of an error.

    >>> render_no("qdel", UNKNOWN_JOB, "9999.pbs01")
    'qdel: Unknown Job Id 9999.pbs01'
    """
    return f"{command}: {_TEXTS[number].format(what)}"


def render_no_of(command: str, number: int, what: str, job: str) -> str:
    """Return the line of an error of a command that is about a job; its id stands at the end.

    >>> render_no_of("qmove", UNKNOWN_QUEUE, "", "33.pbs01")
    'qmove: Unknown queue 33.pbs01'
    """
    text = render_no(command, number, what or job)
    return text if text.endswith(job) or number == FINISHED else f"{text} {job}"


def exit_status(number: int) -> int:
    """Return the exit status of a command that ends with an error: its number as far as a status holds it.

    >>> exit_status(UNKNOWN_JOB), exit_status(TOO_MANY)
    (153, 38)
    """
    return number % 256


def refuse(command: str, *lines: str, status: int, out: str = "") -> Answer:
    """Return the answer of a command that refuses with these lines, each after its name."""
    return Answer(out, "".join(f"{command}: {line}\n" for line in lines), status)


def misuse(command: str, *lines: str) -> Answer:
    """Return the answer of a command that was not used as it wants to be."""
    return Answer("", "".join(f"{line}\n" for line in (*lines, USAGE[command])), 2)
