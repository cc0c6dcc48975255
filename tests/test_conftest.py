"""The switch under which a skipped test is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_CONFTEST = Path(__file__).parents[1] / "conftest.py"

_SKIPS = {
    "in the test": "import pytest\ndef test_it():\n    pytest.skip('no server here')\n",
    "by a mark": "import pytest\n@pytest.mark.skip(reason='no server here')\ndef test_it():\n    pass\n",
    "by a condition": "import pytest\n@pytest.mark.skipif(True, reason='no server here')\ndef test_it():\n    pass\n",
    "in a fixture": "import pytest\n@pytest.fixture\ndef server():\n    pytest.skip('no server here')\n"
    "def test_it(server):\n    pass\n",
    "of a whole file": "import pytest\npytest.importorskip('no_such_module', reason='no server here')\n",
}
_NO_SKIP = (
    "import pytest\n@pytest.mark.xfail\ndef test_it():\n    assert False\ndef test_other():\n    pass\n"
)


def _run(folder: Path, test: str, required: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(_CONFTEST.read_text())
    (folder / "test_it.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(folder)]
    environment = os.environ | {"TWIN_REQUIRE_ALL_TESTS": required}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


class TestRequireAllTests:
    @pytest.mark.parametrize("test", _SKIPS.values(), ids=_SKIPS)
    def test_a_skip_is_a_failure_that_names_its_reason(self, tmp_path: Path, test: str) -> None:
        finished = _run(tmp_path, test, "1")
        assert finished.returncode in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
        assert "allows no skipped test" in finished.stdout and "no server here" in finished.stdout

    def test_without_the_switch_it_is_a_skip(self, tmp_path: Path) -> None:
        finished = _run(tmp_path, _SKIPS["in the test"], "")
        assert finished.returncode == pytest.ExitCode.OK and "1 skipped" in finished.stdout

    def test_passing_and_expected_failures_stay_what_they_are(self, tmp_path: Path) -> None:
        finished = _run(tmp_path, _NO_SKIP, "1")
        assert finished.returncode == pytest.ExitCode.OK and "1 xfailed" in finished.stdout
