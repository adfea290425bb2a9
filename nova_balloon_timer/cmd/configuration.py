# SPDX-License-Identifier: Apache-2.0
"""Which configuration is read where nobody names any."""

import os

from oslo_config import cfg

PROJECT = 'nova-balloon-timer'
NOVA = 'nova'

# Files, and folders with more of them.
Found = tuple[list[str], list[str]]


def find() -> Found:
    """Return the files and folders to read: our own, else Nova's."""
    files, folders = find_of(PROJECT)
    if files:
        return files, folders
    files, theirs = find_of(NOVA)
    # NOTE: not everybody may read it, and not every command needs it.
    if not all(os.access(it, os.R_OK) for it in files):
        return [], folders
    return files, [*theirs, *folders] if files else folders


def find_of(project: str) -> Found:
    """Return the files and folders of one project."""
    files = cfg.find_config_files(project=project, prog=project)
    folders = cfg.find_config_dirs(project=project, prog=project)
    # NOTE: each is found twice, as the project's and as the program's.
    return [*dict.fromkeys(files)], [*dict.fromkeys(folders)]
