"""The small model, the pictures and the index that the tests of jobs use."""

from tests.jobs.conftest import built, index, photographs, pile, tiny_model

__all__ = ["built", "index", "photographs", "pile", "tiny_model"]
