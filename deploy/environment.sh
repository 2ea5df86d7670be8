#!/bin/sh
# Makes the virtual environment .venv with the command `tocsin`. Called by the Makefile with the extras to install
# ("", "test" or "test,train"). Safe to repeat; what is already there is kept.
set -eu

say() {  # English, Chinese
    case "${TOCSIN_LANG:-${LC_ALL:-${LANG:-}}}" in
        [zZ][hH]*) echo "$2" >&2 ;;
        *) echo "$1" >&2 ;;
    esac
}

works() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; }

find_python() {  # run, not only found: version managers put launchers of versions they lack on PATH
    # 3.13 comes last: the local Triton then still needs a 3.11 or 3.12 beside it.
    for python in ${PYTHON:-} python3.11 python3.12 python3 python3.13; do
        if works "$python"; then echo "$python"; return; fi
    done
    say "No Python 3.11, 3.12 or 3.13 was found. Tocsin is written in it.
Do: sudo apt-get install python3 python3-venv   or name one: make PYTHON=/path/to/python3.11 ..." \
        "没有找到 Python 3.11、3.12 或 3.13，Tocsin 需要它。
办法：sudo apt-get install python3 python3-venv，或指定一个：make PYTHON=/path/to/python3.11 ..."
    return 1
}

if ! works .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    rm -rf .venv
    if ! "$python" -m venv .venv >&2; then
        rm -rf .venv
        say "$python could not make a virtual environment. Do: sudo apt-get install python3-venv" \
            "$python 无法创建虚拟环境。办法：sudo apt-get install python3-venv"
        exit 1
    fi
fi
if [ ! -x .venv/bin/uv ]; then  # installs in seconds what takes pip a minute
    .venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
fi
# uv does not read pip's configuration: a mirror set there counts here too.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
fi
.venv/bin/uv pip install --python .venv/bin/python --constraint deploy/constraints.txt --editable ".${1:+[$1]}"
