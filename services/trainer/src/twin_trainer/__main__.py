"""Start the service: `python -m twin_trainer`; with `--once`, run one waiting training and end."""

import argparse
import asyncio
import sys

from twin_common import telemetry
from twin_common.kafka_settings import KafkaSettings
from twin_common.warehouse import WarehouseSettings
from twin_trainer.app import SERVICE, TrainerApp
from twin_trainer.settings import TrainerSettings


def main() -> int:
    """Run until told to stop; with --once, 1 where the training was not finished."""
    parser = argparse.ArgumentParser(prog="python -m twin_trainer", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run one waiting training, if any, and end")
    once = parser.parse_args().once
    telemetry.configure(SERVICE)
    app = TrainerApp(TrainerSettings(), WarehouseSettings(), KafkaSettings())
    if once:
        return 0 if asyncio.run(app.run_once()) else 1
    asyncio.run(app.run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
