"""The child's side of the supervisor: settings come in by stdin, and its end is ours."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
import time

from webapp.config import Settings

LAST_SECONDS = 10


def receive_settings(settings: Settings) -> Settings:
    """Wait for the supervisor's line and apply it; afterwards end this process when the supervisor is gone.

    A supervisor that was killed cannot stop us. Its end of the pipe closes nevertheless, and so no process is left
    behind that would hold the port.
    """
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    threading.Thread(target=_end_with_supervisor, name="supervisor", daemon=True).start()
    return dataclasses.replace(settings, **json.loads(line))


def _end_with_supervisor() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST_SECONDS)
    os._exit(1)
