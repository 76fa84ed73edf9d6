# Sourced by scripts/demo and scripts/test: makes .venv once and installs what is asked for.
#   install_into_venv EXTRAS     e.g. "" or "[test,bert]"
# A stamp of pyproject.toml and constraints.txt makes the second run a matter of milliseconds.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"

install_into_venv() {
    local extras=$1 stamp
    stamp=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum | tr -d ' ')
    stamp="$venv/.installed-${stamp}-${extras//[^a-z]/_}"
    [ -f "$stamp" ] && return 0
    local python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        { echo "mediclip-index needs Python 3.11 or newer; set PYTHON to one." >&2; exit 1; }
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    echo "Installing into $venv (about two minutes the first time) ..." >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        -c "$root/constraints.txt" -e "$root$extras" >&2
    touch "$stamp"
}
