"""Settings from the environment."""

import pytest
from pydantic import ValidationError

from twin_crawler.settings import CrawlerSettings


class TestCrawlerSettings:
    def test_trusted_endpoints_apart_by_commas(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRAWLER_TRUSTED_ENDPOINTS", "127.0.0.1:8099, Blog.internal:80,")
        settings = CrawlerSettings()
        assert settings.trusted_endpoints == {"127.0.0.1:8099", "blog.internal:80"}
        assert settings.policy.trusted_endpoints == settings.trusted_endpoints

    def test_the_policy_survives_the_way_to_the_child(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRAWLER_DOWNLOAD_DELAY_SECONDS", "2.5")
        policy = CrawlerSettings().policy
        assert type(policy).model_validate_json(policy.model_dump_json()) == policy
        assert policy.download_delay_seconds == 2.5

    def test_a_negative_delay_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CRAWLER_DOWNLOAD_DELAY_SECONDS", "-1")
        with pytest.raises(ValidationError):
            CrawlerSettings()
