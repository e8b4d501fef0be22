"""Tests of the emulator: the official SDK over HTTP, and plain HTTP where the SDK hides things."""
