"""Fixtures for all tests."""

from hypothesis import settings

pytest_plugins = ["tests.engines"]

# A busy machine is not a fault: no property fails because one example took long.
settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")
