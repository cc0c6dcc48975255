"""How a consumer proves who it is, and has the server prove who that is."""

import pytest
from pydantic import SecretStr

from twin_common.kafka_settings import KafkaSettings
from twin_kafka.broker import make_broker


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize(("protocol", "encrypted"), [("SASL_PLAINTEXT", False), ("SASL_SSL", True)])
def test_a_user_is_named_and_the_connection_encrypted_as_set(
    mechanism: str, protocol: str, encrypted: bool
) -> None:
    settings = KafkaSettings(
        bootstrap_servers="127.0.0.1:9092",
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        sasl_username="ada",
        sasl_password=SecretStr("hunter2"),
    )
    security = make_broker(settings).specification.security
    assert security is not None
    assert security.use_ssl == encrypted
    # aiokafka refuses an encrypted protocol without one.
    assert (security.ssl_context is not None) == encrypted
