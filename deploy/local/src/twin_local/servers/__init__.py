"""The three small servers that stand in for MongoDB, Kafka and Qdrant on one machine."""
