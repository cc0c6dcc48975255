"""The local vector server: the routes of Qdrant that the platform uses, over its embedded engine.

One process owns one folder. Every acknowledged write is in the engine's write-ahead log, so a killed
server loses none. It takes the place of Qdrant on one machine and has no authentication: keep it on loopback.
"""
