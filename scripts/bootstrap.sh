# shellcheck shell=bash
# Sourced by ./run and ./test, which set `root` first: finds a Python and hands the work to set_up.py.

# These would make pip, uv or Python act on, or import from, somewhere other than our .venv.
unset PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV CONDA_PREFIX
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_USER PIP_REQUIRE_VIRTUALENV PIP_NO_BINARY PIP_ONLY_BINARY PIP_DRY_RUN

# Prints the first interpreter that is new enough; the system's own comes first.
find_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13 python3.14; do
        if "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v -- "$candidate"
            return
        fi
    done
    printf 'error: Python 3.11 or newer was not found. On Debian or Ubuntu: apt install python3 python3-venv\n' >&2
    return 1
}

# set_up run|dev: makes .venv fit the lock files. Silent and quick when it already does.
set_up() {
    local python
    python="$(find_python)" || exit 1
    "$python" -I "${root:?}/scripts/set_up.py" "$1" </dev/null >&2 || exit "$?"
}

# Tests start from the defaults: neither the caller's settings nor the terminal's habits may reach them.
forget_settings() {
    unset CI GITHUB_ACTIONS FORCE_COLOR PY_COLORS CLICOLOR_FORCE PYTEST_ADDOPTS PYTEST_PLUGINS MYPYPATH
    unset PYTHONDONTWRITEBYTECODE # some hundred processes are started, each of which would compile all sources anew
    unset DATABASE_URL HYPOTHESIS_PROFILE "${!META_@}" "${!AUTO_PUBLISHER_@}" "${!AUTOPUBLISHER_@}" "${!STUB_@}"
    export PYTHONHASHSEED=0
}
