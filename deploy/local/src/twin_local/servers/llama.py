"""llama.cpp's own server in a process of ours: one GGUF file behind OpenAI's API, for a twin trained here.

Run it as `python -m twin_local.servers.llama --model FILE --name NAME --port PORT`.
"""

import argparse
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

from twin_local.ports import LOOPBACK

# The model's keys and values take about 23 kB a token for a model of 135M parameters.
_CONTEXT_TOKENS = 4096


def is_installed() -> bool:
    """Whether this machine can serve what it trained."""
    return find_spec("xllamacpp") is not None


def command(model: Path, name: str, port: int) -> list[str]:
    """How it is started; it answers /health on the loopback once the model is loaded."""
    arguments = ["--model", str(model), "--name", name, "--port", str(port)]
    return [sys.executable, "-m", "twin_local.servers.llama", *arguments]


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--name", required=True, help="what the API calls the model")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(arguments.model)
    settings.model_alias = {arguments.name}
    settings.hostnames = [LOOPBACK]
    settings.port = arguments.port
    settings.n_ctx = _CONTEXT_TOKENS
    settings.n_parallel = 1
    settings.cpuparams.n_threads = os.cpu_count() or 1
    settings.use_jinja = True
    server = xllamacpp.Server(settings)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del server


if __name__ == "__main__":
    main()
