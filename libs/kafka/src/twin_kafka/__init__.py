"""How a service consumes from Kafka with FastStream: everything but what it does with an event."""
