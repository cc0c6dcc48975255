#!/usr/bin/env bash
# Makes the secrets that are missing, one a file; those that are there stay as they are.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p -m 0700 secrets

keep() {
    # Containers read them under users of their own; the folder keeps out everyone else.
    if [ ! -e "secrets/$1" ]; then
        printf '%s' "$2" >"secrets/$1"
        chmod 0444 "secrets/$1"
    fi
}
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

keep MONGODB_URL 'mongodb://mongodb:27017/?replicaSet=rs0'
keep QDRANT_API_KEY "$(random)"
keep RAG_API_LLM_API_KEY ''
keep TRAINER_HUB_TOKEN ''
keep GRAFANA_PASSWORD "$(random)"
