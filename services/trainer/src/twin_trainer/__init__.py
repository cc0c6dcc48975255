"""Trains, measures and releases a model that writes like its author."""
