"""A short selection of the faults; `make chaos` runs all of them, longer."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.rig import running
from tests.chaos.scenarios import KILLS, NETWORK, SERVERS
from tests.chaos.trial import run_trial
from tests.integration.apache_kafka import JARS

_KILLS = replace(KILLS, targets=("cdc", "feature-stream", *SERVERS), faults=5, writes=80)
_NETWORK = replace(NETWORK, faults=4, writes=50, seconds=(0.5, 1.5))

pytestmark = pytest.mark.integration


async def test_the_index_equals_the_warehouse_after_kills_and_a_bad_network(tmp_path: Path) -> None:
    """One platform for both, since starting it takes longest."""
    if not JARS.is_dir():
        pytest.skip("Apache Kafka is missing: run tests/servers/install.sh")
    async with running(_KILLS, tmp_path) as rig:
        for scenario in (_KILLS, _NETWORK):
            outcome = await run_trial(rig, scenario, seed=1)
            assert outcome.differences == (), str(outcome.plan)
