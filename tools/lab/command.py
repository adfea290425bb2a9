# SPDX-License-Identifier: Apache-2.0
"""Run the system's programs."""

import pathlib
import subprocess

from tools.lab import error


def run(*words: str | pathlib.Path, cwd: pathlib.Path | None = None) -> str:
    """Run a program and give what it printed.

    :raises LabError: it is missing, or failed.
    """
    try:
        done = subprocess.run(
            words, cwd=cwd, check=True, text=True, capture_output=True
        )
    except FileNotFoundError as exc:
        raise error.LabError(f'{words[0]} is not installed') from exc
    except subprocess.CalledProcessError as exc:
        said = (exc.stderr.strip() or 'no message').splitlines()[-1]
        what = ' '.join(map(str, words[:3]))
        raise error.LabError(f'{what} failed: {said}') from exc
    return done.stdout
