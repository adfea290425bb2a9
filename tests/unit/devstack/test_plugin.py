# SPDX-License-Identifier: Apache-2.0
"""What is configured and started in each mode, and what is refused."""

import socket

from tests.unit.devstack import stage

_URL = 'rabbit://stackrabbit:secret@192.0.2.1:5672/'


class TestInsideNova(stage.PluginTestCase):
    def test_nova_compute_reads_what_enables_it(self) -> None:
        self.play(*stage.STACK)

        options = self.stage.options(self.stage.nova_cpu_conf)
        self.assertEqual(
            {
                'DEFAULT': {'compute_monitors': 'cpu.balloon_timer'},
                'balloon_timer': {
                    'enabled_by_default': 'False',
                    'state_path': str(self.stage.state_path),
                },
            },
            options,
        )

    def test_it_is_enabled_before_nova_starts_and_not_after(self) -> None:
        self.play('stack install')
        before = self.stage.nova_conf.read_text()
        self.play('stack post-config')
        after = self.stage.nova_conf.read_text()
        self.play('start_nova_compute', 'stack extra', 'stack test-config')

        self.assertNotIn('balloon', before)
        self.assertIn('cpu.balloon_timer', after)
        self.assertEqual(after, self.stage.nova_conf.read_text())
        self.assertEqual(after, self.stage.nova_cpu_conf.read_text())

    def test_no_service_of_its_own(self) -> None:
        self.play(*stage.STACK)

        self.assertEqual([], self.stage.calls('run_process'))
        self.assertFalse(self.stage.conf_dir.exists())

    def test_the_folder_of_the_journal_is_there(self) -> None:
        self.play(*stage.STACK)

        self.assertTrue(self.stage.state_path.is_dir())

    def test_it_has_to_answer_in_the_end(self) -> None:
        self.play(*stage.STACK)

        venv = self.stage.top / 'data/venv'
        self.assertEqual(
            [
                (
                    'test_with_retry',
                    f'{venv}/bin/nova-balloon-timer --config-file '
                    f'{self.stage.nova_cpu_conf} host show --host '
                    f'{socket.gethostname()}',
                    'the balloon timer does not answer',
                    '60',
                    '1',
                )
            ],
            self.stage.calls('test_with_retry'),
        )

    def test_the_flavors_of_tempest_consent(self) -> None:
        self.play(*stage.STACK)

        words = ['--os-cloud', 'devstack-admin', 'flavor', 'set', '--property']
        self.assertEqual(
            [
                ('openstack', *words, 'balloon:enabled=true', '42'),
                ('openstack', *words, 'balloon:enabled=true', '84'),
            ],
            self.stage.calls('openstack'),
        )

    def test_no_flavor_is_touched_without_tempest(self) -> None:
        self.play(*stage.STACK, ENABLED_SERVICES='n-api,n-cpu,rabbit')

        self.assertEqual([], self.stage.calls('openstack'))

    def test_all_instances_may_consent(self) -> None:
        self.play(*stage.STACK, NOVA_BALLOON_TIMER_ENABLED_BY_DEFAULT='True')

        options = self.stage.options(self.stage.nova_conf)
        self.assertEqual(
            'True', options['balloon_timer']['enabled_by_default']
        )

    def test_a_controller_only_gets_the_package(self) -> None:
        before = self.stage.nova_conf.read_text()
        self.play(*stage.STACK, ENABLED_SERVICES='n-api,rabbit')

        self.assertEqual(1, len(self.stage.calls('setup_package')))
        self.assertEqual(
            [], self.stage.calls('run_process', 'test_with_retry')
        )
        self.assertEqual(before, self.stage.nova_conf.read_text())
        self.assertFalse(self.stage.state_path.exists())


class TestAgent(stage.PluginTestCase):
    def play(self, *phases: str, **settings: str) -> None:
        super().play(*phases, NOVA_BALLOON_TIMER_MODE='agent', **settings)

    def test_it_has_a_configuration_of_its_own(self) -> None:
        self.play(*stage.STACK)

        self.assertEqual(
            {
                'DEFAULT': {
                    'debug': 'True',
                    'transport_url': _URL + 'nova_cell1',
                },
                'balloon_timer': {'state_path': str(self.stage.state_path)},
                'notifications': {'notification_format': 'unversioned'},
                'oslo_messaging_notifications': {
                    'driver': 'messagingv2',
                    'transport_url': _URL,
                },
            },
            self.stage.options(self.stage.conf),
        )
        self.assertEqual(
            [('setup_logging', str(self.stage.conf))],
            self.stage.calls('setup_logging'),
        )
        self.assertTrue(self.stage.state_path.is_dir())

    def test_nova_is_left_as_it_is(self) -> None:
        before = self.stage.nova_conf.read_text()
        self.play(*stage.STACK)

        self.assertEqual(before, self.stage.nova_conf.read_text())
        self.assertEqual(before, self.stage.nova_cpu_conf.read_text())
        self.assertEqual([], self.stage.calls('openstack'))

    def test_it_runs_as_a_member_of_libvirts_group(self) -> None:
        self.play(*stage.STACK)

        command = f'{self.stage.top}/data/venv/bin/nova-balloon-timer'
        self.assertEqual(
            [
                (
                    'run_process',
                    'nova-balloon-timer',
                    f'{command} --config-file {self.stage.conf} agent',
                    'libvirt',
                ),
                (
                    'test_with_retry',
                    f'{command} --config-file {self.stage.conf} host show '
                    f'--host {socket.gethostname()}',
                    'the balloon timer does not answer',
                    '60',
                    '1',
                ),
            ],
            self.stage.calls('run_process', 'test_with_retry'),
        )

    def test_it_goes_by_what_nova_compute_is_called(self) -> None:
        self.play(
            *stage.STACK,
            LOCAL_CONF_HOST='compute-7',
            LOCAL_CONF_URI='qemu+tcp://compute-7/system',
        )

        options = self.stage.options(self.stage.conf)
        self.assertEqual('compute-7', options['DEFAULT']['host'])
        self.assertEqual(
            'qemu+tcp://compute-7/system',
            options['balloon_timer']['connection_uri'],
        )
        ((_, command, *_rest),) = self.stage.calls('test_with_retry')
        self.assertTrue(
            command.endswith(' host show --host compute-7'), command
        )

    def test_its_bus_is_that_of_nova_compute(self) -> None:
        self.play('stack post-config', NOVA_CPU_CELL='2')
        in_a_cell = self.stage.options(self.stage.conf)
        self.play('stack post-config', CELLSV2_SETUP='singleconductor')
        without = self.stage.options(self.stage.conf)

        self.assertEqual(
            _URL + 'nova_cell2', in_a_cell['DEFAULT']['transport_url']
        )
        self.assertEqual(_URL, without['DEFAULT']['transport_url'])

    def test_notifications_are_as_local_conf_says(self) -> None:
        self.play(
            'stack post-config',
            NOVA_BALLOON_TIMER_NOTIFICATION_DRIVER='log',
            NOVA_BALLOON_TIMER_NOTIFICATION_FORMAT='both',
        )

        options = self.stage.options(self.stage.conf)
        self.assertEqual(
            'log', options['oslo_messaging_notifications']['driver']
        )
        self.assertEqual(
            'both', options['notifications']['notification_format']
        )

    def test_notifications_can_be_switched_off(self) -> None:
        self.play(
            'stack post-config', NOVA_BALLOON_TIMER_NOTIFICATION_DRIVER=''
        )

        self.assertEqual(
            {'DEFAULT', 'balloon_timer'},
            self.stage.options(self.stage.conf).keys(),
        )

    def test_there_may_be_no_bus(self) -> None:
        self.play('stack post-config', ENABLED_SERVICES='n-cpu')

        self.assertEqual(
            {
                'DEFAULT': {'debug': 'True'},
                'balloon_timer': {'state_path': str(self.stage.state_path)},
            },
            self.stage.options(self.stage.conf),
        )

    def test_nothing_is_left_of_an_older_configuration(self) -> None:
        self.stage.conf_dir.mkdir()
        self.stage.conf.write_text('[balloon_timer]\nworkers = 3\n')
        self.play(*stage.STACK)

        self.assertNotIn('workers', self.stage.conf.read_text())

    def test_a_controller_only_gets_the_package(self) -> None:
        self.play(*stage.STACK, ENABLED_SERVICES='n-api,rabbit')

        self.assertEqual(1, len(self.stage.calls('setup_package')))
        self.assertEqual(
            [], self.stage.calls('run_process', 'test_with_retry')
        )
        self.assertFalse(self.stage.conf_dir.exists())


class TestRefusal(stage.PluginTestCase):
    def refused(self, **settings: str) -> str:
        result = self.stage.play(*stage.STACK, **settings)
        self.assertEqual(1, result.returncode)
        self.assertEqual(['die'], [it[0] for it in self.stage.calls()])
        self.assertFalse(self.stage.site.exists())
        return result.stderr

    def test_an_unknown_mode(self) -> None:
        words = self.refused(NOVA_BALLOON_TIMER_MODE='agnet')

        self.assertEqual(
            "[ERROR] NOVA_BALLOON_TIMER_MODE is nova or agent, not 'agnet'\n",
            words,
        )

    def test_another_hypervisor(self) -> None:
        for mode in 'nova', 'agent':
            words = self.refused(
                NOVA_BALLOON_TIMER_MODE=mode, VIRT_DRIVER='fake'
            )
            self.stage.forget_calls()

            self.assertEqual(
                '[ERROR] nova-balloon-timer needs VIRT_DRIVER=libvirt, '
                "not 'fake'\n",
                words,
            )

    def test_another_hypervisor_where_no_guests_are(self) -> None:
        self.play(*stage.STACK, VIRT_DRIVER='fake', ENABLED_SERVICES='n-api')

        self.assertEqual([], self.stage.calls('die'))

    def test_nothing_is_done_when_it_is_disabled(self) -> None:
        for mode in 'nova', 'agent', 'agnet':
            before = self.stage.nova_conf.read_text()
            self.play(
                *stage.STACK,
                'unstack',
                'clean',
                DISABLED_SERVICES='nova-balloon-timer',
                NOVA_BALLOON_TIMER_MODE=mode,
            )

            self.assertEqual([], self.stage.calls())
            self.assertEqual(before, self.stage.nova_conf.read_text())
            self.assertFalse(self.stage.site.exists())
            self.assertFalse(self.stage.state_path.exists())
