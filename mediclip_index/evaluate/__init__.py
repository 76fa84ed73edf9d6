"""Labelled images → better settings, metrics, mistakes, comparisons: one module a verb."""
