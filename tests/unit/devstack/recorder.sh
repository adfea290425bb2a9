#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The functions of DevStack that the plugin uses, for tests. Each writes its
# name and arguments into $CALLS. Options are really set and read, and what
# would be done as root is really done, below the folder of the test.

function _record {
    local IFS=$'\t'
    echo "$*" >> "$CALLS"
}

# functions-common

function define_plugin {
    :
}

function die {
    _record die "${@:2}"
    echo "[ERROR] ${*:2}" >&2
    exit 1
}

function enable_service {
    if [[ ! ",$DISABLED_SERVICES," =~ ,$1, ]]; then
        ENABLED_SERVICES+=,$1
    fi
}

function is_service_enabled {
    [[ ",$ENABLED_SERVICES," =~ ,$1, ]]
}

function run_process {
    _record run_process "$@"
}

function stop_process {
    _record stop_process "$@"
}

function test_with_retry {
    _record test_with_retry "$@"
}

# functions

function echo_summary {
    _record echo_summary "$@"
}

function setup_logging {
    _record setup_logging "$@"
}

# inc/ini-config

function iniget {
    local line
    line=$(sed -n "/^\[$2\]/,/^\[/ { /^$3 *=/ p }" "$1")
    line=${line#*=}
    echo "${line# }"
}

function iniset {
    grep -q "^\[$2\]" "$1" 2> /dev/null || echo "[$2]" >> "$1"
    sed -i -e "/^\[$2\]/,/^\[/ { /^$3 *=/ d }" "$1"
    sed -i -e "/^\[$2\]/ a $3 = $4" "$1"
}

# inc/python

function get_python_exec_prefix {
    echo "$DEVSTACK_VENV/bin"
}

function pip_uninstall {
    _record pip_uninstall "$PIP_VIRTUAL_ENV" "$@"
}

# What pip leaves behind, as far as the plugin looks at it.
function setup_package {
    local monitors=nova/compute/monitors/cpu
    local information=$SITE/nova_balloon_timer-1.0.dist-info
    _record setup_package "$@"
    mkdir -p "$information" "$SITE/$monitors/__pycache__"
    echo 'Name: nova-balloon-timer' > "$information/METADATA"
    cp "$2/$monitors/balloon_timer.py" "$SITE/$monitors/"
    touch "$SITE/$monitors/__pycache__/balloon_timer.cpython-3.pyc"
}

# lib/rpc_backend

function get_notification_url {
    if is_service_enabled rabbit; then
        echo "rabbit://stackrabbit:secret@192.0.2.1:5672/"
    fi
}

function iniset_rpc_backend {
    local url=rabbit://stackrabbit:secret@192.0.2.1:5672/$4
    if is_service_enabled rabbit; then
        iniset "$2" "$3" transport_url "$url"
    fi
}

# lib/nova: it is not called by the plugin, but between its phases.

function start_nova_compute {
    cp "$NOVA_CONF" "$NOVA_CPU_CONF"
    if [[ -n "$LOCAL_CONF_HOST" ]]; then
        iniset "$NOVA_CPU_CONF" DEFAULT host "$LOCAL_CONF_HOST"
        iniset "$NOVA_CPU_CONF" libvirt connection_uri "$LOCAL_CONF_URI"
    fi
}

# Programs

function openstack {
    _record openstack "$@"
}

function sudo {
    "$@"
}
