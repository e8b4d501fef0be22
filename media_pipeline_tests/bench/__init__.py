"""Tests of the scripts in ``bench/``: that they measure what they say, never how fast it was."""
