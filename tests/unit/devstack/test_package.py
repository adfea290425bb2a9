# SPDX-License-Identifier: Apache-2.0
"""What is installed and removed."""

from tests.unit.devstack import stage

_MONITOR = 'nova/compute/monitors/cpu/balloon_timer.py'


class TestInstall(stage.PluginTestCase):
    def test_it_is_not_editable(self) -> None:
        self.play('stack install')

        self.assertEqual(
            [('setup_package', '-bindep', str(self.stage.source))],
            self.stage.calls('setup_package'),
        )

    def test_the_monitor_lies_in_the_source_of_nova(self) -> None:
        self.play('stack install')

        monitor = self.stage.nova / _MONITOR
        self.assertEqual(
            self.stage.source / _MONITOR, monitor.resolve(strict=True)
        )

    def test_nothing_in_site_packages_passes_for_nova(self) -> None:
        self.play('stack install')

        self.assertFalse((self.stage.site / 'nova').exists())
        self.assertTrue((self.stage.source / _MONITOR).is_file())

    def test_whatever_else_is_there_stays(self) -> None:
        other = self.stage.site / 'nova/virt/other/driver.py'
        other.parent.mkdir(parents=True)
        other.touch()
        self.play('stack install')

        self.assertTrue(other.exists())
        self.assertFalse((self.stage.site / 'nova/compute').exists())

    def test_it_stays_beside_a_nova_that_is_not_editable(self) -> None:
        (self.stage.site / 'nova').mkdir(parents=True)
        (self.stage.site / 'nova/__init__.py').touch()
        self.play('stack install')

        self.assertTrue((self.stage.site / _MONITOR).exists())
        self.assertFalse((self.stage.nova / _MONITOR).exists())

    def test_nothing_is_removed_from_our_own_source(self) -> None:
        # As if somebody had installed it in editable mode.
        information = self.stage.source / 'nova_balloon_timer-1.0.dist-info'
        information.mkdir()
        (information / 'METADATA').write_text('Name: nova-balloon-timer\n')
        self.play('stack install', PYTHONPATH=str(self.stage.source))

        self.assertTrue((self.stage.source / _MONITOR).is_file())
        self.assertTrue((self.stage.nova / _MONITOR).is_file())

    def test_again(self) -> None:
        self.play('stack install')
        self.play('stack install')

        self.assertTrue((self.stage.nova / _MONITOR).is_symlink())
        self.assertFalse((self.stage.site / 'nova').exists())


class TestRemoval(stage.PluginTestCase):
    def test_unstack_stops_the_service_and_keeps_all_else(self) -> None:
        for mode in 'nova', 'agent':
            self.play(*stage.STACK, NOVA_BALLOON_TIMER_MODE=mode)
            self.stage.forget_calls()
            self.play('unstack', NOVA_BALLOON_TIMER_MODE=mode)

            self.assertEqual(
                [('stop_process', 'nova-balloon-timer')], self.stage.calls()
            )
            self.assertTrue(self.stage.state_path.is_dir())
            self.assertTrue((self.stage.nova / _MONITOR).is_symlink())
        self.assertTrue(self.stage.conf.is_file())

    def test_clean_removes_everything(self) -> None:
        self.play(*stage.STACK, NOVA_BALLOON_TIMER_MODE='agent')
        self.stage.forget_calls()
        self.play('clean')

        self.assertEqual(
            [
                (
                    'pip_uninstall',
                    str(self.stage.top / 'data/venv'),
                    'nova-balloon-timer',
                )
            ],
            self.stage.calls(),
        )
        self.assertFalse(self.stage.conf_dir.exists())
        self.assertFalse(self.stage.state_path.exists())
        self.assertFalse((self.stage.nova / _MONITOR).is_symlink())

    def test_clean_where_nothing_is(self) -> None:
        self.play('unstack')
        self.play('clean')

        self.assertFalse(self.stage.conf_dir.exists())

    def test_a_wrong_mode_keeps_nobody_from_cleaning(self) -> None:
        self.play('unstack', NOVA_BALLOON_TIMER_MODE='agnet')
        self.play('clean', NOVA_BALLOON_TIMER_MODE='agnet')

        self.assertEqual(
            ['stop_process', 'pip_uninstall'],
            [it[0] for it in self.stage.calls()],
        )
