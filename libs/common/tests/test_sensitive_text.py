"""Secrets and personal data are found by their shape, and what only resembles them is left."""

import pytest

from twin_common.sensitive_text import CARD, EMAIL, IBAN, NAMED_SECRETS, SECRETS, Shape
from twin_common.testing.secrets import SECRETS as EXAMPLES


def _without(shapes: tuple[Shape, ...], text: str) -> str:
    for shape in shapes:
        text, _ = shape.replace(text, "#")
    return text


class TestSecrets:
    @pytest.mark.parametrize("secret", EXAMPLES)
    def test_one_is_known_by_itself(self, secret: str) -> None:
        assert _without(SECRETS, f"the key {secret} opens it") == "the key # opens it"

    @pytest.mark.parametrize("login", ["me:pass", ":pass", "me:a<b"])
    def test_so_is_a_password_in_an_address(self, login: str) -> None:
        assert _without(SECRETS, f"mongodb://{login}@db:27017/x") == "mongodb://#@db:27017/x"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('client_secret="q8W2e7R1t9Y4u6"', 'client_secret="#"'),
            ("api-key: f3a9c1d2e8b74650", "api-key: #"),
            ("Authorization: Bearer a8f5f167f44f4964e6c998dee827110c", "Authorization: Bearer #"),
            ('token = "your-token-goes-here"', 'token = "your-token-goes-here"'),
            (
                "token = settings.api_token.get_secret_value()",
                "token = settings.api_token.get_secret_value()",
            ),
        ],
    )
    def test_others_are_known_by_the_word_before_them(self, text: str, expected: str) -> None:
        assert _without(NAMED_SECRETS, text) == expected

    @pytest.mark.parametrize("text", ["task-sk-1", "disk-of-long-words", "http://host:8080/a", "twin_peaks"])
    def test_other_text_stays(self, text: str) -> None:
        assert _without((*SECRETS, *NAMED_SECRETS), text) == text


class TestPersonalData:
    @pytest.mark.parametrize(
        ("shape", "text", "expected"),
        [
            (EMAIL, "<ada.l+news@mail.example.org>.", "<#>."),
            (EMAIL, "почта@пример.рф", "#"),
            (EMAIL, "uses: actions/checkout@v4.1.2", "uses: actions/checkout@v4.1.2"),
            (IBAN, "pay DE89 3704 0044 0532 0130 00 now", "pay # now"),
            (CARD, "It was 4111-1111-1111-1111.", "It was #."),
            (CARD, "order 4111 1111 1111 1112", "order 4111 1111 1111 1112"),
            (CARD, "0.4111111111111111 and 0000000000000000", "0.4111111111111111 and 0000000000000000"),
        ],
    )
    def test_table(self, shape: Shape, text: str, expected: str) -> None:
        assert shape.replace(text, "#") == (expected, text != expected)
