# Sourced by ./try and ./check, in the root of the project: the virtual environment that both use.

# environment EXTRAS…: makes .venv if there is none, and installs what it lacks; puts it first on the PATH.
environment() {
    local extras log=.venv/install.log missing
    extras=$(IFS=,; echo "$*")
    if ! .venv/bin/python -I -c 'import pip' 2>/dev/null; then
        local python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
        if [ -z "$python" ] || ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            echo "$0: Python 3.11 or newer is needed; say which: PYTHON=/path/to/python $0" >&2
            return 1
        fi
        echo "making .venv with $("$python" --version)" >&2
        "$python" -m venv .venv || {
            echo "$0: $python cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2
            return 1
        }
    fi
    missing=$(.venv/bin/python -I .ci/missing.py "$@")
    if [ -n "$missing" ]; then
        echo "installing into .venv: ${missing//$'\n'/, } (what pip says is in $log)" >&2
        if ! .venv/bin/python -m pip install --disable-pip-version-check --editable ".[$extras]" >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            echo "$0: pip failed; all it said is in $log" >&2
            return 1
        fi
        missing=$(.venv/bin/python -I .ci/missing.py "$@")
        if [ -n "$missing" ]; then
            echo "$0: .venv still lacks: ${missing//$'\n'/, }" >&2
            return 1
        fi
    fi
    # a start is counted in milliseconds, and PYTHONDONTWRITEBYTECODE keeps Python from keeping what it compiles
    .venv/bin/python -I -m compileall -q hpcmake || true # a checkout that cannot be written to works, too
    export VIRTUAL_ENV=$PWD/.venv PATH=$PWD/.venv/bin:$PATH
}
