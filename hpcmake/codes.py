"""The catalogue of diagnostics: every stable code and its title.

Owns the numbers, so that none is used twice and each is explained in the documentation.  Knows nothing of when they occur.
"""

CODES = {
    "E100": "the file is not UTF-8, or holds a NUL",
    "E700": "no room is left on the disk",
    "E701": "the mode of a file or folder forbids it",
    "E702": "the file system is read-only",
    "E703": "the file system refused",
    "E720": "another hpcmake drives this campaign",
    "E721": "another hpcmake has taken this campaign over",
    "W710": "a damaged record is skipped",
    "W711": "a half-written record is dropped",
}
"""Title of each code, sorted by code; `docs/errors.md` explains each with an example."""
