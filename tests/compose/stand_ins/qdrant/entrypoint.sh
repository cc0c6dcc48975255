#!/bin/sh
exec python -m twin_local.servers.vector --host 0.0.0.0 --port 6333 --storage-path /qdrant/storage
