"""Publishes every change of the warehouse to Kafka, at least once and in order."""
