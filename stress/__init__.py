"""The long part of the tests: kills at random points, many at once, mutated files and code."""
