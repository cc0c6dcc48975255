"""The long run: several tries of every scenario, and a table: `python -m tests.chaos [SCENARIO …]`.

`--seed N --tries 1` with a scenario replays one try. What a try that failed has left behind is kept.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from results import read_figures, write_result

from tests.chaos.plan import Scenario, make_plan
from tests.chaos.rig import running
from tests.chaos.scenarios import Sizes, long_run
from tests.chaos.table import Row, figures, table
from tests.chaos.trial import run_trial

_STARTS_MORE = 2
"""A platform that does not start on a busy machine is started again."""


def main() -> None:
    """Run what the command line names, or everything; exit 1 when a try left a difference."""
    sizes = Sizes.from_environment()
    scenarios = {scenario.name: scenario for scenario in long_run(sizes)}
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(scenarios)}")
    parser.add_argument("--seed", type=int, default=1, help="of the first try")
    parser.add_argument("--tries", type=int, help="of every scenario, instead of its own number")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.scenarios or scenarios:
        scenario = scenarios[name]
        seeds = range(arguments.seed, arguments.seed + (arguments.tries or scenario.tries))
        rows.append(asyncio.run(_run(scenario, seeds)))
    _say(table(rows))
    write_result("chaos", {**read_figures("chaos"), **figures(rows)})
    if any(row.equal < row.tries or not row.tries for row in rows):
        sys.exit(1)


async def _run(scenario: Scenario, seeds: Sequence[int]) -> Row:
    """All tries of a scenario, on one platform as long as they succeed."""
    row = Row(scenario.row, scenario.name)
    waiting = list(seeds)
    starts = 0
    while waiting and starts < len(seeds) + _STARTS_MORE:
        starts += 1
        folder = Path(tempfile.mkdtemp(prefix=f"twin-chaos-{scenario.name}-"))
        failed = False
        try:
            async with running(scenario, folder) as rig:
                while waiting and not failed:
                    seed = waiting.pop(0)
                    plan = make_plan(scenario, seed)
                    _say(f"{time.strftime('%H:%M:%S')} {plan}")
                    row = row.begun(len(plan.faults))
                    outcome = await run_trial(rig, scenario, seed)
                    row = row.ended(len(outcome.differences), outcome.recovery_seconds)
                    failed = bool(outcome.differences)
                    _say(
                        f"{time.strftime('%H:%M:%S')} {scenario.name} {seed}: "
                        f"{len(outcome.differences)} differences after {outcome.recovery_seconds:.1f} s"
                    )
                    for difference in outcome.differences[:20]:
                        _say(f"  {difference}")
        except Exception:
            failed = True
            _say(traceback.format_exc())
        if failed:
            _say(f"  left behind: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return row


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
