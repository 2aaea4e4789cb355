# Sourced by the other scripts: goes to the project, and defines `sync`, which makes .venv ready.
# Needs CPython 3.11 or newer; uv is fetched into .venv where there is none.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}
# Where the system has certificates, its own authorities count too (uv's older name of it is second).
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then export UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1; fi

as_root_on_debian() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

make_venv() {
    [ -x .venv/bin/python ] && [ -x .venv/bin/pip ] && return
    if ! "$python" -c 'import venv; from ensurepip import version' 2>/dev/null; then
        as_root_on_debian || { echo "this Python has no venv module: apt-get install python3-venv" >&2; exit 1; }
        install_packages python3-venv
    fi
    "$python" -m venv .venv
}

sync() { # sync OPTIONS_OF_UV_SYNC...
    local uv
    if ! uv=$(command -v .venv/bin/uv || command -v uv); then
        make_venv
        .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
        uv=.venv/bin/uv
    fi
    "$uv" sync --frozen --inexact --quiet --python "$python" "$@"
}
