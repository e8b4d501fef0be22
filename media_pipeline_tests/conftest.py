"""What every test may ask for."""

from __future__ import annotations

import signal

pytest_plugins = ["media_pipeline_tests.database"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that starts the suite in the background has it ignore Ctrl-C, and every process of the tests with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
