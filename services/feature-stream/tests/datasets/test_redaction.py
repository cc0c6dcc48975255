import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_common.testing.secrets import SECRETS
from twin_feature_stream.datasets.redaction import redact

_HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("key = AKIA" + "IOSFODNN7EXAMPLQ", "secret"),
        ("GITHUB=ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2, "secret"),
        ("use sk-proj-" + "Ab1Cd2Ef3Gh4Ij5Kl6Mn7" + " here", "secret"),
        ("glpat-" + "xYz12345_AbCdEfGhIjKl", "secret"),
        ("hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz123456", "secret"),
        ("xoxb-" + "123456789012-abcdefGHIJ", "secret"),
        ("AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q", "secret"),
        ("sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc", "secret"),
        ('password = "tr0ub4dor&3-horse"', "secret"),
        ('PASSWORD = "kQvWzRtYpLmNbXcJhGfD"', "secret"),
        ("api_key: 'f3a9c1d2e8b74650'", "secret"),
        ('{"client_secret": "q8W2e7R1t9Y4u6"}', "secret"),
        ("Authorization: Bearer a8f5f167f44f4964e6c998dee827110c", "token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVP", "token"),
        ("postgres://ada:hunter2@db.example:5432/x", "password"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "private_key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz and no end", "private_key"),
        ("mail ada.lovelace+x@mail.example.org!", "email"),
        ("author = 'Ada <ada@engine.example>'", "email"),
        ("Call +49 30 901820 or not", "phone"),
        ("Call (555) 123-4567 now", "phone"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "iban"),
        ("card 4111 1111 1111 1111 please", "card"),
        ("I live at 221B Baker Street in London", "address"),
        ("1600 Pennsylvania Avenue", "address"),
        ("Send it to 42 North Main St., Springfield, IL 62704.", "address"),
        ("Ich wohne Hauptstraße 12, 10827 Berlin.", "address"),
        ("J'habite 12 rue de la Paix à Paris", "address"),
        ("# office: 10 Downing Street", "address"),
        ("P.O. Box 1234", "address"),
    ],
)
def test_secrets_and_personal_data_are_replaced_in_prose_and_code(text: str, kind: str) -> None:
    cleaned, found = redact(text)
    assert found == {kind: 1}
    assert f"<{kind.upper()}>" in cleaned
    assert redact(cleaned) == (cleaned, {})


@pytest.mark.parametrize("secret", SECRETS)
def test_every_secret_goes_whole(secret: str) -> None:
    cleaned, found = redact(f"the key {secret} opens it")
    assert found.total() == 1
    assert cleaned in {f"the key <{kind}> opens it" for kind in ("SECRET", "TOKEN", "PRIVATE_KEY")}


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 we had 1,234,567 events and 3.14159265358979 of something.",
        "The token is read from the environment: token = settings.api_token.get_secret_value()",
        "password = os.environ['DATABASE_PASSWORD']",
        'api_key="your-api-key-goes-here"',
        "token = CancellationTokenSource.CreateLinked()",
        "def parse(token: str) -> AuthenticationResult:",
        "@dataclass(frozen=True)\nclass Point:\n    x: int",
        "commit 3f2a91bc0d4e5f60718293a4b5c6d7e8f9012345",
        "id 34978aea-e179-44b5-975c-7deb64456380",
        "It ran from 10:15 to 12:30 on 2024-05-06 at 192.168.0.1:8080.",
        "See https://example.com/a/b?c=d and user@",
        "We took 3 Long Roads Less Travelled and 20 Drives.",
        "x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]",
    ],
)
def test_ordinary_text_and_code_stay_as_they_are(text: str) -> None:
    assert redact(text) == (text, {})


@pytest.mark.timeout(120)
@pytest.mark.parametrize("unit", ["Ab-", "a.", "auth", "eyJaaaaaaaaa-", "1-", "secret ", "AB12 ", "+1(2"])
def test_no_text_takes_long(unit: str) -> None:
    """Unbounded rules took minutes for such a text, since every place in it may be a beginning."""
    redact(unit * 150_000)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_redacting_twice_changes_nothing(text: str) -> None:
    once, _ = redact(text)
    assert redact(once) == (once, {})


@given(st.text(_HEX, min_size=40, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_key_is_found_wherever_it_stands_alone(digits: str, before: str, after: str) -> None:
    cleaned, _ = redact(f"{before} ghp_{digits} {after}")
    assert digits not in cleaned
