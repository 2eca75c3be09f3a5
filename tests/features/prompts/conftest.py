"""People, as the agent tests have them."""

from tests.features.agents.conftest import as_alice, as_bob, as_charlie, as_dana  # noqa: F401
