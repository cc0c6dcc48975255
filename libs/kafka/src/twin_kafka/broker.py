"""The FastStream broker of a service, from the settings that every service shares."""

from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from twin_common.kafka_settings import KafkaSettings

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}

# A topic that the platform creates later than the service starts is noticed within this time.
_METADATA_AGE_MS = 10_000


def make_broker(settings: KafkaSettings) -> KafkaBroker:
    """A broker that only consumes: events and dead letters go through a producer of our own, whose headers
    and promises `twin_common` defines. Topics are the platform's to create.
    """
    return KafkaBroker(
        settings.bootstrap_servers,
        security=_security(settings),
        consumer_only=True,
        allow_auto_create_topics=False,
        metadata_max_age_ms=_METADATA_AGE_MS,
        graceful_timeout=None,
        logger=None,
    )


def _security(settings: KafkaSettings) -> BaseSecurity:
    context = settings.ssl_context()
    if settings.sasl_username is None or settings.sasl_password is None:
        return BaseSecurity(ssl_context=context)
    return _SASL[settings.sasl_mechanism](
        settings.sasl_username, settings.sasl_password.get_secret_value(), ssl_context=context
    )
