#!/usr/bin/env bash
# Brings what the tests start beside the Python packages: Java, and the jars of Apache Kafka.
set -euo pipefail
cd "$(dirname "$0")/../.."

kafka=.cache/kafka-4.3.1

packages=()
command -v java >/dev/null || packages+=(openjdk-17-jre-headless)
[ -e "$kafka/complete" ] || command -v mvn >/dev/null || packages+=(maven)

if [ "${#packages[@]}" -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "The tests need ${packages[*]}: install them (Debian: sudo apt-get install ${packages[*]})" >&2
        exit 1
    fi
    echo "Installing ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if [ ! -e "$kafka/complete" ]; then
    echo "Fetching Apache Kafka 4.3.1 (44 MB)"
    mkdir -p "$kafka"
    mvn -q -B -f tests/servers/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/$kafka/libs"
    touch "$kafka/complete"
fi
