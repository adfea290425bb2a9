#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# plugin.sh - what devstack sources in each of its phases, with the mode and
# the phase. It only says what is done when; how is in lib/nova-balloon-timer.

if is_service_enabled nova-balloon-timer; then
    # shellcheck source=devstack/lib/nova-balloon-timer
    source "$NOVA_BALLOON_TIMER_DIR/devstack/lib/nova-balloon-timer"

    case "$1 ${2:-}" in
        "stack pre-install")
            check_nova_balloon_timer_settings
            ;;
        "stack install")
            echo_summary "Installing nova-balloon-timer"
            install_nova_balloon_timer
            ;;
        "stack post-config")
            echo_summary "Configuring nova-balloon-timer"
            configure_nova_balloon_timer
            ;;
        "stack extra")
            echo_summary "Starting nova-balloon-timer"
            start_nova_balloon_timer
            ;;
        "stack test-config")
            echo_summary "Configuring Tempest for nova-balloon-timer"
            configure_tempest_for_nova_balloon_timer
            ;;
        "unstack "*)
            stop_nova_balloon_timer
            ;;
        "clean "*)
            cleanup_nova_balloon_timer
            ;;
    esac
fi
