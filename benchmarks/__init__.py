"""Measurements: speed, quality, tuning, copies; each a command of its own."""
