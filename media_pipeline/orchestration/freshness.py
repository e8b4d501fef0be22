"""How old what an asset shows may be, so that Dagster's page says by itself when something has stopped.

Belongs here: the policies, named for the rhythm in which their assets are made.
Not here: the schedules and sensors that make them (``automation``), the alarm, which needs no Dagster (``cli.alarm``).

Assets that are made only when there is something to do (change files, pushes, days of an outage) have none: not to be
made is no fault of theirs.
"""

from datetime import timedelta
from typing import Final

import dagster as dg

NIGHTLY: Final = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
"""Made every night: one night may be missed before it is a failure."""

MINUTES: Final = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2), warn_window=timedelta(minutes=30))
"""Made every few minutes while nothing longer is at work: a full sync of a large library may take its place."""
