"""Child processes that live and die together with this one.

Belongs here: starting them, looking after them, stopping them in order.
Not here: which ones there are (``cli.up``).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PR_SET_PDEATHSIG: Final = 1
_STOP_SECONDS: Final = 20
_LOG_LINES: Final = 15


class Child:
    """One process, its output in a log file; a context manager that ends it.

    It gets a session of its own, so that Ctrl-C at the terminal reaches it through us, in our order. Where we
    are killed outright, Linux ends it; elsewhere it stays.
    """

    def __init__(self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)

    def __enter__(self) -> Self:
        end_with_us = _ending_with(os.getpid())
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_us,  # noqa: PLW1509  our only other threads wait for processes, holding no lock
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        # What it started itself and left behind.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._process.poll() is not None

    @property
    def last_words(self) -> str:
        """How it ended, with the last lines of its log."""
        code = self._process.poll()
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"{self.name} ended {how}. The end of {self.log}:", *(f"  {line}" for line in lines)])


def _ending_with(parent: int) -> Callable[[], None]:
    """What the child runs before its program: ask Linux for a SIGTERM when *parent* dies."""
    if not sys.platform.startswith("linux"):
        return lambda: None
    # Found before the fork; a child should load nothing.
    prctl = ctypes.CDLL(None).prctl

    def end_with() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return end_with
