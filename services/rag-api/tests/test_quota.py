"""How often a key may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_rag_api.quota import Quota, QuotaExceeded, RateLimit

from .conftest import ADA, BOB, StartApi


class TestRateLimit:
    @given(st.integers(1, 50), st.lists(st.floats(0, 30), max_size=300))
    def test_no_minute_sees_more_than_two_buckets(self, most: int, pauses: list[float]) -> None:
        """A full bucket, and what flows in while it is emptied."""
        now = 0.0
        limit = RateLimit(Quota(most), now=lambda: now)
        allowed: list[float] = []
        for pause in pauses:
            now += pause
            try:
                limit.take("key")
            except QuotaExceeded:
                continue
            allowed.append(now)
        for start in allowed:
            assert sum(start <= moment < start + 60 for moment in allowed) <= 2 * most

    @given(st.integers(1, 1000))
    def test_after_the_stated_time_it_goes_on(self, most: int) -> None:
        now = 0.0
        limit = RateLimit(Quota(most), now=lambda: now)
        for _ in range(most):
            limit.take("key")
        with pytest.raises(QuotaExceeded) as refused:
            limit.take("key")
        now += refused.value.retry_after + 1e-6
        limit.take("key")

    def test_keys_do_not_share_a_bucket(self) -> None:
        limit = RateLimit(Quota(1), now=lambda: 0.0)
        limit.take("one")
        limit.take("other")
        with pytest.raises(QuotaExceeded):
            limit.take("one")


class TestService:
    async def test_ten_times_the_quota_harms_nobody_else(self, start_api: StartApi) -> None:
        api = await start_api(requests_per_minute=20)
        answers = [await api.get("/v1/models", ADA) for _ in range(200)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 150
        assert all(answer.status_code == 200 for answer in answers[:20])
        assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
        assert refused[0].json()["error"]["type"] == "rate_limit_error"
        assert [(await api.get("/v1/models", BOB)).status_code for _ in range(20)] == [200] * 20
        assert (await api.http.get("/livez")).status_code == 200

    async def test_a_wrong_key_is_told_so_and_not_counted(self, start_api: StartApi) -> None:
        api = await start_api(requests_per_minute=1)
        for _ in range(5):
            answer = await api.http.get("/v1/models", headers={"Authorization": "Bearer twin_wrong"})
            assert answer.status_code == 401
        assert (await api.get("/v1/models")).status_code == 200
