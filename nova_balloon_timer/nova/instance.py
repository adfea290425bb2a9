# SPDX-License-Identifier: Apache-2.0
"""An instance as Nova has it, and what that means for its balloon."""

from collections.abc import Mapping
import dataclasses

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer.nova import extra_specs

# NOTE: whatever Nova does with an instance otherwise, also what it may do one
# day, is better not disturbed.
_FREE_STATE = 'active'

NOT_AN_INSTANCE = model.Refusal(
    obstacle=model.Obstacle.NOT_AN_INSTANCE,
    words='Nova does not have it among the instances of this host',
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NovaInstance:
    """What Nova's database says.

    :param name: the domain's, as libvirt knows it
    :param task_state: None if nothing is under way
    :param specs: the flavor's extra specs
    """

    uuid: str
    name: str
    display_name: str
    project_id: str
    host: str
    flavor_name: str
    vm_state: str
    task_state: str | None = None
    specs: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_busy(self) -> bool:
        """Tell whether Nova does something with it that will end."""
        return self.task_state is not None

    def why_not_now(self) -> model.Refusal | None:
        """Return what keeps it from being touched for a while."""
        words = ''
        if self.task_state is not None:
            words = f"Nova's task '{self.task_state}' is under way"
        elif self.vm_state != _FREE_STATE:
            words = f"its state in Nova is '{self.vm_state}'"
        if not words:
            return None
        return model.Refusal(
            obstacle=model.Obstacle.INSTANCE_STATE, words=words
        )

    def why_never(self, *, enabled_by_default: bool) -> model.Refusal | None:
        """Return what in its flavor keeps it from being touched."""
        try:
            specs = extra_specs.parse(self.specs)
        except exception.InvalidExtraSpec as error:
            return model.Refusal(
                obstacle=model.Obstacle.INVALID_TERMS,
                words=f"its flavor '{self.flavor_name}' makes no sense: "
                f'{error}',
            )
        if specs.enabled or (specs.enabled is None and enabled_by_default):
            return None
        says = 'does not say' if specs.enabled is None else 'denies'
        return model.Refusal(
            obstacle=model.Obstacle.NOT_ENABLED,
            words=f"its flavor '{self.flavor_name}' {says} "
            f'{extra_specs.ENABLED}=true',
        )

    def terms_of(self, maximum_kib: int) -> ownership.Terms:
        """Return what its flavor says; nothing where that makes no sense."""
        try:
            return extra_specs.parse(self.specs).terms_of(maximum_kib)
        except exception.InvalidExtraSpec:
            return ownership.Terms()

    def describe(self) -> ownership.Instance:
        """Return what others need to know of it."""
        return ownership.Instance(
            display_name=self.display_name,
            project_id=self.project_id,
            host=self.host,
            flavor_name=self.flavor_name,
        )
