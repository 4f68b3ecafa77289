"""The catalogue of diagnostics: every stable code and its title.

Owns the numbers, so that none is used twice and each is explained in the documentation.  Knows nothing of when they occur.
"""

CODES = {
    "E100": "the file is not UTF-8, or holds a NUL",
}
"""Title of each code, sorted by code; `docs/errors.md` explains each with an example."""
