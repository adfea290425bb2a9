# SPDX-License-Identifier: Apache-2.0

import subprocess

import testtools

from tests.functional import command

# As the package bash-completion has it; the cursor is at the end.
_WORDS = """\
_get_comp_words_by_ref() {
  words=("${COMP_WORDS[@]}")
  cur=${COMP_WORDS[COMP_CWORD]}
  prev=${COMP_WORDS[COMP_CWORD-1]}
}
"""
_ASK = """
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_nova_balloon_timer
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTest(testtools.TestCase):
    """What the tab key proposes, in a real shell."""

    def setUp(self) -> None:
        super().setUp()
        self.script = command.run('complete').out

    def proposals(self, *typed: str) -> list[str]:
        """Press tab after what was typed; the last word is begun."""
        script = _WORDS + self.script + _ASK
        result = subprocess.run(
            ['bash', '-c', script, 'bash', 'nova-balloon-timer', *typed],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual('', result.stderr)
        return result.stdout.split()

    def test_commands(self) -> None:
        for typed, proposed in (
            (['po'], ['policy']),
            (['policy', 'c'], ['cancel', 'create']),
            (['policy', 'w'], ['wait']),
            (['host', ''], ['list', 'show']),
            (['history', ''], ['list', 'show']),
            (['wa'], ['watch']),
        ):
            self.assertEqual(proposed, self.proposals(*typed))

    def test_options(self) -> None:
        for typed, proposed in (
            (['policy', 'create', '--w'], '--wait'),
            (['policy', 'list', '--ho'], '--host'),
            (['history', 'show', '--s'], '--save'),
            (['watch', '--on'], '--once'),
            (['apply', '--mo'], '--mode'),
            (['policy', 'preview', '--mo'], '--mode'),
            (['guest', 'list', '--lo'], '--local'),
        ):
            self.assertEqual([proposed], self.proposals(*typed))
