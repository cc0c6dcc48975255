#!/usr/bin/env bash
# Where no image can be pulled: images that answer in place of the real ones, under the tags that compose.yaml names.
# They show that our files work together; they do not show that the original images do.
# Needs Debian, root, debootstrap and tests/servers/install.sh; about fifteen minutes, and 20 GB while it builds.
set -euo pipefail
cd "$(dirname "$0")/../../.."

python=$(sed -n 's/^ARG PYTHON_IMAGE=//p' services/cdc/Dockerfile)
tag() { sed -nE "s|^ +image: ($1.*)$|\1|p" deploy/compose/compose.yaml; }
build() { DOCKER_BUILDKIT=1 /usr/bin/docker build --quiet "$@"; } # Debian's own client has BuildKit inside

if ! docker image inspect "$python" >/dev/null 2>&1; then
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase --include=ca-certificates,python3.11,python3-pip,python3-venv bookworm "$root"
    # What this machine trusts, an image that is built on it has to trust too.
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    rm -f "$root/usr/lib/python3.11/EXTERNALLY-MANAGED"
    ln -s /usr/bin/python3.11 "$root/usr/local/bin/python"
    ln -s /usr/bin/python3.11 "$root/usr/local/bin/python3"
    certificates=/etc/ssl/certs/ca-certificates.crt
    tar -C "$root" -c . | docker import --change "ENV PIP_CERT=$certificates SSL_CERT_FILE=$certificates" - "$python"
fi
for service in crawler cdc feature-stream rag-api trainer; do
    build -f "services/$service/Dockerfile" -t "llm-twin/$service:dev" .
done
build -f services/feature-stream/Dockerfile -t llm-twin/datasets:dev --build-arg EXTRAS='--extra otlp --extra datasets' .
build -f deploy/local/Dockerfile -t llm-twin/twin:dev .
kafka=$(mktemp -d)
cp -r tests/compose/stand_ins/kafka/. .cache/kafka-4.3.1/libs "$kafka"
build -t "$(tag apache/kafka)" --build-arg BASE="$python" "$kafka"
rm -r "$kafka"
build -t "$(tag mongo)" --build-arg BASE="$python" tests/compose/stand_ins/mongodb
build -t "$(tag qdrant)" tests/compose/stand_ins/qdrant

# The stand-in calls its replica set otherwise.
deploy/compose/secrets.sh
printf 'mongodb://mongodb:27017/?directConnection=true' >deploy/compose/secrets/MONGODB_URL
echo "STAND-INS under the real tags: Python's base, Kafka (its own jars), MongoDB (SecantusDB), Qdrant (the local server)."
