#!/usr/bin/env bash
# Brings what the tests start beside the Python packages: Java, and the jars of Apache Kafka.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers/debian.sh

kafka=.cache/kafka-4.3.1

packages=()
command -v java >/dev/null || packages+=(openjdk-17-jre-headless)
[ -e "$kafka/complete" ] || command -v mvn >/dev/null || packages+=(maven)

[ "${#packages[@]}" -eq 0 ] || apt_install "${packages[@]}"

if [ ! -e "$kafka/complete" ]; then
    echo "Fetching Apache Kafka 4.3.1 (44 MB)"
    mkdir -p "$kafka"
    mvn -q -B -f tests/servers/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/$kafka/libs"
    touch "$kafka/complete"
fi
