"""Helpers for running host tools from the operations service."""
import logging
import shlex
import subprocess

log = logging.getLogger("ops.shellkit")


def sh(command: str, timeout: int = 30) -> str:
    """Run a shell line and return its standard output."""
    log.debug("running a command of %d characters", len(command))
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=timeout)
    return done.stdout


def tool(*argv: str, timeout: int = 30) -> str:
    done = subprocess.run(list(argv), capture_output=True, text=True, timeout=timeout)
    return done.stdout


def quoted(value: str) -> str:
    return shlex.quote(value)
