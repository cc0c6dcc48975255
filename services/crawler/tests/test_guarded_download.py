"""Names are resolved once, and Twisted learns only what was vetted."""

from collections.abc import Iterable

import pytest
from scrapy.exceptions import CannotResolveHostError

from twin_common.errors import ForbiddenLink
from twin_common.link_guard import LinkGuard, LinkPolicy
from twin_crawler import guarded_download
from twin_crawler.guarded_download import VettedNames


class Receiver:
    """What Twisted hands to a resolver."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.complete = False

    def resolutionBegan(self, resolution: object) -> None:  # noqa: N802 -- Twisted's names
        """An answer is under way."""

    def addressResolved(self, address: object) -> None:  # noqa: N802
        self.addresses.append((address.host, address.port))  # type: ignore[attr-defined]

    def resolutionComplete(self) -> None:  # noqa: N802
        self.complete = True


class Resolver:
    """A DNS whose answers change from question to question."""

    def __init__(self, *answers: Iterable[str]) -> None:
        self._answers = list(answers)
        self.questions = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.questions += 1
        answer = list(self._answers.pop(0))
        if not answer:
            raise OSError("no such name")
        return answer


def names_with(monkeypatch: pytest.MonkeyPatch, resolver: Resolver, *trusted: str) -> VettedNames:
    monkeypatch.setattr(guarded_download, "resolve", resolver)
    return VettedNames(LinkGuard(LinkPolicy(trusted_endpoints=frozenset(trusted))))


def ask(names: VettedNames, host: str, port: int) -> list[tuple[str, int]]:
    receiver = Receiver()
    names.resolveHostName(receiver, host, port)
    assert receiver.complete
    return receiver.addresses


class TestVettedNames:
    async def test_a_second_different_answer_is_never_asked_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolver = Resolver(["93.184.216.34", "2606:2800:220:1::1"], ["127.0.0.1"])
        names = names_with(monkeypatch, resolver)
        for _ in range(2):
            await names.admit("https://blog.example.org/x")
            assert ask(names, "Blog.Example.org.", 443) == [
                ("93.184.216.34", 443),
                ("2606:2800:220:1::1", 443),
            ]
        assert resolver.questions == 1

    @pytest.mark.parametrize(
        "answer", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:192.168.0.1"], ["fe80::1%eth0"]]
    )
    async def test_a_name_that_points_inside_gets_no_address(
        self, monkeypatch: pytest.MonkeyPatch, answer: list[str]
    ) -> None:
        names = names_with(monkeypatch, Resolver(answer))
        with pytest.raises(ForbiddenLink):
            await names.admit("https://blog.example.org/x")
        assert ask(names, "blog.example.org", 443) == []

    async def test_what_nobody_admitted_has_no_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = names_with(monkeypatch, Resolver(["93.184.216.34"]))
        await names.admit("https://blog.example.org/x")
        assert ask(names, "blog.example.org", 80) == []
        assert ask(names, "127.0.0.1", 443) == []
        assert ask(names, "::1", 443) == []

    async def test_a_trusted_endpoint_may_be_inside(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = names_with(monkeypatch, Resolver(["127.0.0.1"]), "127.0.0.1:8099")
        await names.admit("http://127.0.0.1:8099/")
        assert ask(names, "127.0.0.1", 8099) == [("127.0.0.1", 8099)]

    async def test_a_name_that_does_not_resolve(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = names_with(monkeypatch, Resolver([]))
        with pytest.raises(CannotResolveHostError):
            await names.admit("https://blog.example.org/x")
