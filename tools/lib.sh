# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# What the programs in tools/ do before they can start, from a bare Debian on.
# Source it from the top of the tree under 'set -eu'. Whatever is in place is
# left alone without a word; whatever is not takes one line.
#
#   need_root                  stop unless we are root
#   ensure_python              Python, with what it takes to build on it
#   ensure_venv DIR [WHAT...]  a virtual environment with WHAT installed:
#                              a requirements file (*.txt), or a project to
#                              be installed in editable mode ('.', '.[report]')
#   ensure_installed DIR       the project itself in a virtual environment, as
#                              users install it, and again after a change
#   ensure_packages [PROFILE...]
#                              what bindep.txt lists for the profiles. bindep
#                              lives in $NBT_VENV (default: .venv)

say() {
    echo "==> $*"
}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || die 'this needs root'
}

# Run a command whose output matters only if it fails.
quietly() (
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    status=0
    "$@" > "$log" 2>&1 || status=$?
    [ "$status" = 0 ] || tail -n 40 "$log" >&2
    exit "$status"
)

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
        -o DPkg::Lock::Timeout=300 "$@"
}

# Install packages without starting what they bring: a libvirtd of the
# system's must not appear because somebody ran our tests.
apt_install() (
    need_root
    say "installing $*"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        trap 'exit 130' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' > "$policy"
        chmod 755 "$policy"
    fi
    # The lists may be missing, or older than the archive.
    apt_get install --no-install-recommends "$@" > /dev/null 2>&1 && exit
    quietly apt_get update && quietly apt_get install \
        --no-install-recommends "$@"
)

ensure_python() (
    missing=
    python3 -c 'import ensurepip, venv' 2> /dev/null \
        || missing="$missing python3 python3-venv"
    python3 -c 'import os, sysconfig
os.stat(sysconfig.get_path("include") + "/Python.h")' 2> /dev/null \
        || missing="$missing python3-dev"
    [ -e /etc/ssl/certs/ca-certificates.crt ] \
        || missing="$missing ca-certificates"
    command -v git > /dev/null || missing="$missing git"
    # shellcheck disable=SC2086  # one word for each package
    [ -z "$missing" ] || apt_install $missing
)

# Print what decides whether WHAT... has to be installed again in DIR.
_inputs() {  # DIR WHAT...
    "$1/bin/python" --version
    shift
    for what; do
        case $what in
        *.txt) cat "$what" ;;
        *)
            for name in pyproject.toml requirements.txt setup.cfg setup.py; do
                cat "${what%%\[*}/$name" 2> /dev/null || :
            done
            ;;
        esac
    done
}

ensure_venv() (
    venv=$1
    shift
    if [ ! -x "$venv/bin/pip" ] || [ ! -x "$venv/bin/python" ]; then
        say "creating $venv"
        quietly python3 -m venv --clear "$venv"
    fi
    [ $# -gt 0 ] || exit 0
    stamp=$venv/.installed-$(echo "$PWD $*" | cksum | cut -d ' ' -f 1)
    inputs=$(_inputs "$venv" "$@" | sha256sum)
    [ "$(cat "$stamp" 2> /dev/null)" != "$inputs" ] || exit 0
    say "installing $* into $venv"
    count=$#
    while [ "$count" -gt 0 ]; do
        case $1 in
        *.txt) set -- "$@" -r "$1" ;;
        *) set -- "$@" -e "$1" ;;
        esac
        shift
        count=$((count - 1))
    done
    quietly "$venv/bin/python" -m pip install -q \
        --disable-pip-version-check "$@" || exit
    echo "$inputs" > "$stamp"
)

# Print what decides whether the project has to be installed again in DIR.
_sources() {  # DIR
    "$1/bin/python" --version
    find nova nova_balloon_timer requirements.txt setup.cfg setup.py \
        -type f ! -name '*.pyc' -exec sha256sum {} + 2> /dev/null | sort
}

ensure_installed() (
    venv=$1
    stamp=$venv/.project
    sources=$(_sources "$venv" | sha256sum)
    [ "$(cat "$stamp" 2> /dev/null)" != "$sources" ] || exit 0
    say "installing nova-balloon-timer into $venv"
    rm -rf build/lib
    quietly "$venv/bin/python" -m pip install -q \
        --disable-pip-version-check --force-reinstall --no-deps . || exit
    quietly "$venv/bin/python" -m pip install -q \
        --disable-pip-version-check . || exit
    echo "$sources" > "$stamp"
)

# Print what decides whether bindep, which is slow, has to look again.
_installed() {
    sha256sum < bindep.txt
    stat -c '%y %s' /var/lib/dpkg/status
}

ensure_packages() (
    venv=${NBT_VENV:-.venv}
    ensure_venv "$venv"
    stamp=$venv/.packages-$(echo "$PWD $*" | cksum | cut -d ' ' -f 1)
    [ "$(cat "$stamp" 2> /dev/null)" != "$(_installed)" ] || exit 0
    if [ ! -x "$venv/bin/bindep" ]; then
        say "installing bindep into $venv"
        quietly "$venv/bin/python" -m pip install -q \
            --disable-pip-version-check bindep || exit
    fi
    # bindep exits with 1 if something is missing, and then names it.
    missing=$("$venv/bin/bindep" --brief "$@") || [ -n "$missing" ] \
        || die 'bindep failed'
    # shellcheck disable=SC2086  # one word for each package
    [ -z "$missing" ] || apt_install $missing || exit
    _installed > "$stamp"
)
