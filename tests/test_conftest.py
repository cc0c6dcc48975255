"""The switch under which a skipped test is a failure."""

import os
import subprocess
import sys
from pathlib import Path

_CONFTEST = Path(__file__).parents[1] / "conftest.py"

_TESTS = """
import pytest

@pytest.fixture
def server():
    pytest.skip("no server in the fixture")

def test_skips_itself():
    pytest.skip("no server in the test")

@pytest.mark.skip(reason="no server by mark")
def test_is_marked():
    pass

@pytest.mark.skipif(True, reason="no server by condition")
def test_is_marked_with_a_condition():
    pass

def test_asks_for_a_server(server):
    pass

@pytest.mark.xfail
def test_is_expected_to_fail():
    assert False

def test_passes():
    pass
"""
_WHOLE_FILE = "import pytest\npytest.importorskip('no_such_module', reason='no server for the file')\n"
_REASONS = [f"no server {where}" for where in ("in the fixture", "in the test", "by mark", "by condition")]


def _run(folder: Path, required: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(_CONFTEST.read_text())
    (folder / "test_some.py").write_text(_TESTS)
    (folder / "test_whole_file.py").write_text(_WHOLE_FILE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    return subprocess.run(
        [*command, "--continue-on-collection-errors", str(folder)],
        cwd=folder,
        env=os.environ | {"TWIN_REQUIRE_ALL_TESTS": required},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class TestRequireAllTests:
    def test_every_skip_is_a_failure_that_names_its_reason(self, tmp_path: Path) -> None:
        finished = _run(tmp_path, "1")
        assert finished.returncode != 0
        assert "1 failed, 1 passed, 1 xfailed, 4 errors" in finished.stdout
        for reason in [*_REASONS, "no server for the file"]:
            assert reason in finished.stdout
        assert finished.stdout.count("allows no skipped test") >= 5

    def test_without_the_switch_a_skip_is_a_skip(self, tmp_path: Path) -> None:
        finished = _run(tmp_path, "")
        assert finished.returncode == 0
        assert "1 passed, 5 skipped, 1 xfailed" in finished.stdout
