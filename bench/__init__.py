"""Measured figures. Each script prints what it compared, on this machine, in one run."""
