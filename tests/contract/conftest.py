"""A raw client of the simulated PolyAI, for the tests that name it."""

from tests.contract.raw_polyai import client, http, polyai

__all__ = ["client", "http", "polyai"]
