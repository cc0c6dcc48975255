"""The folder of the local platform."""

import os
import stat
from pathlib import Path

import pytest

from twin_common.identity import parse_author_id
from twin_local.errors import PlatformError
from twin_local.home import PlatformRecord, TwinHome

ADA = parse_author_id("ada")


class TestLock:
    def test_a_second_platform_on_the_same_folder_is_refused_with_the_remedy(self, tmp_path: Path) -> None:
        home = TwinHome(tmp_path)
        with home.locked(), pytest.raises(PlatformError) as refusal, TwinHome(tmp_path).locked():
            pass
        assert str(os.getpid()) in str(refusal.value)
        assert "TWIN_HOME=" in str(refusal.value)

    def test_it_is_free_again_afterwards(self, tmp_path: Path) -> None:
        with TwinHome(tmp_path).locked():
            pass
        with TwinHome(tmp_path).locked():
            pass


class TestRecord:
    def test_a_running_platform_is_found(self, tmp_path: Path) -> None:
        record = PlatformRecord(os.getpid(), {"MONGODB_URL": "mongodb://x"})
        TwinHome(tmp_path).save_record(record)
        assert TwinHome(tmp_path).record() == record

    def test_one_that_died_is_not(self, tmp_path: Path) -> None:
        TwinHome(tmp_path).save_record(PlatformRecord(2**22 + 1, {}))
        assert TwinHome(tmp_path).record() is None

    def test_none_was_there(self, tmp_path: Path) -> None:
        assert TwinHome(tmp_path).record() is None


class TestKeys:
    def test_they_are_kept_for_this_user_alone(self, tmp_path: Path) -> None:
        home = TwinHome(tmp_path)
        home.save_key(ADA, "secret-one")
        home.save_key(parse_author_id("ben"), "secret-two")
        assert home.api_keys() == {"ada": "secret-one", "ben": "secret-two"}
        assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
