# SPDX-License-Identifier: Apache-2.0
"""A screen as text, and states to draw."""

import datetime
import io
from typing import Any

import rich.console

from nova_balloon_timer.cmd.watch import gauge
from nova_balloon_timer.cmd.watch import paper
from nova_balloon_timer.cmd.watch import screen
from nova_balloon_timer.cmd.watch import state as watch_state
from tests.unit.cmd.remote import fake_agent

NOW = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)


def after(seconds: float) -> datetime.datetime:
    """Return an instant after the test's begin."""
    return NOW + datetime.timedelta(seconds=seconds)


def snapshot(at: datetime.datetime = NOW, **more: Any) -> Any:
    """Return a look at a host with nothing on it."""
    fields: dict[str, Any] = {'at': at, 'host': fake_agent.host()}
    return watch_state.Snapshot(**(fields | more))


def state(*news: Any) -> watch_state.State:
    """Return the state after something was learned."""
    made = watch_state.State(host=fake_agent.HOST)
    for one in news:
        made = watch_state.take_in(made, one)
    return made


def draw(
    drawn: watch_state.State,
    width: int = 100,
    height: int | None = 30,
    *,
    at: datetime.datetime = NOW,
    glyphs: gauge.Glyphs = gauge.FINE,
) -> list[str]:
    """Return the lines of a screen, as a terminal of that size shows them."""
    console = rich.console.Console(
        file=io.StringIO(), width=width, force_terminal=False
    )
    sheet = paper.Paper(width=width, height=height, glyphs=glyphs)
    with console.capture() as capture:
        console.print(screen.draw(drawn, sheet, at), soft_wrap=height is None)
    return capture.get().split('\n')[:-1]
