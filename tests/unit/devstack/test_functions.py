# SPDX-License-Identifier: Apache-2.0
"""That the plugin calls what DevStack has."""

import re
import subprocess

from tests.unit import base
from tests.unit.devstack import stage

# Where DevStack has what the plugin calls, as of its commit 493835a61a99 of
# July 2026. Look again there before you add to it.
FUNCTIONS = {
    'define_plugin': 'functions-common',
    'die': 'functions-common',
    'echo_summary': 'stack.sh, functions',
    'enable_service': 'functions-common',
    'get_notification_url': 'lib/rpc_backend',
    'get_python_exec_prefix': 'inc/python',
    'iniget': 'inc/ini-config',
    'iniset': 'inc/ini-config',
    'iniset_rpc_backend': 'lib/rpc_backend',
    'is_service_enabled': 'functions-common',
    'pip_uninstall': 'inc/python',
    'run_process': 'functions-common',
    'setup_logging': 'functions',
    'setup_package': 'inc/python',
    'stop_process': 'functions-common',
    'test_with_retry': 'functions-common',
}
# What the recorder has beside them.
_OTHERS = {'_record', 'openstack', 'start_nova_compute', 'sudo'}


class TestFunctions(base.TestCase):
    def test_the_recorder_has_what_devstack_has_and_no_more(self) -> None:
        listed = subprocess.run(
            ['bash', '-c', f'source {stage.RECORDER}; declare -F'],
            capture_output=True,
            text=True,
            check=True,
        )
        names = {it.split()[-1] for it in listed.stdout.splitlines()}

        self.assertEqual(FUNCTIONS.keys() | _OTHERS, names)

    def test_each_of_them_is_used(self) -> None:
        folder = stage.TOP / 'devstack'
        text = ''.join(
            (folder / it).read_text()
            for it in ('plugin.sh', 'settings', 'lib/nova-balloon-timer')
        )
        code = re.sub(r'(?m)^\s*#.*', '', text)

        for name in FUNCTIONS:
            self.assertRegex(code, rf'\b{name} ?')
