# SPDX-License-Identifier: Apache-2.0

import json
from typing import Any

import pymysql

from tests.functional import lab
from tests.functional.nova import base
from tests.functional.nova import steering

_CHECKED = '2.86'
_UNCHECKED = '2.85'
_NONSENSE = {
    'balloon:enabled': 'perhaps',
    'balloon:min_mb': '0',
    'balloon:min_percent': '101',
    'balloon:priority': '-1',
    'balloon:max_step_mb': '1',
    'balloon:guest_clock': 'perhaps',
    'balloon:nobody_knows_it': '1',
}
_SENSE = {
    'balloon:enabled': 'true',
    'balloon:min_mb': '128',
    'balloon:min_percent': '50',
    'balloon:priority': '0.5',
    'balloon:max_step_mb': '64',
    'balloon:guest_clock': 'false',
}


class ExtraSpecTest(steering.SteeringTest):
    def test_nonsense_is_answered_with_400(self) -> None:
        flavor = self.make_flavor('checked', 64)
        for name, value in _NONSENSE.items():
            answer = self.set_specs({name: value}, _CHECKED, flavor)
            self.assertEqual(400, answer.status_code, f'{name}={value}')
        answer = self.set_specs(_SENSE, _CHECKED, flavor)
        self.assertEqual(200, answer.status_code)

    def test_who_has_nonsense_all_the_same_is_left_alone(self) -> None:
        one = self.instance('nonsense')
        self.assertEqual('', self.why_not(one).strip('; '))
        specs = {**base.ENABLED, 'balloon:min_mb': 'plenty'}
        flavor = self.make_flavor('nonsense', base.MEMORY_MIB)
        answer = self.set_specs(specs, _UNCHECKED, flavor)
        self.assertEqual(200, answer.status_code)
        one.server.resize(flavor)
        one.server.confirm_resize()
        lab.wait_until(
            lambda: "balloon:min_mb is 'plenty'" in self.why_not(one),
            'it is said why',
        )

    def make_flavor(self, name: str, memory_mib: int) -> str:
        """Make a flavor that is gone with the test, and give its id."""
        compute = self.lab.cloud.connection.compute
        made = compute.create_flavor(
            id=name, name=name, ram=memory_mib, vcpus=1, disk=0
        )
        self.addCleanup(compute.delete_flavor, made)
        return str(made.id)

    def set_specs(
        self, specs: dict[str, str], microversion: str, flavor: str
    ) -> Any:
        """Set extra specs of a flavor."""
        return self.lab.cloud.connection.compute.post(
            f'/flavors/{flavor}/os-extra_specs',
            json={'extra_specs': specs},
            microversion=microversion,
        )


class MetricTest(base.NovaTest):
    def test_nova_has_the_metrics_of_its_own_monitor(self) -> None:
        def metrics() -> list[dict[str, Any]]:
            with self.connect().cursor() as cursor:
                cursor.execute('SELECT metrics FROM compute_nodes')
                (found,) = cursor.fetchone()
            return list(json.loads(found or '[]'))

        lab.wait_until(lambda: bool(metrics()), 'metrics')
        names = {it['name'] for it in metrics()}
        self.assertLessEqual({'cpu.percent', 'cpu.user.time'}, names)
        sources = {it['source'] for it in metrics()}
        self.assertEqual({'libvirt.LibvirtDriver'}, sources)

    def connect(self) -> Any:
        """Open the database of the cell."""
        made = pymysql.connect(
            unix_socket=str(self.lab.layout.run / 'mariadb.sock'),
            user='root',
            database='nova_cell1',
        )
        self.addCleanup(made.close)
        return made
