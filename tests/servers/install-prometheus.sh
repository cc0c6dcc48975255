#!/usr/bin/env bash
# Brings Prometheus and promtool, which the tests of rules and dashboards run.
set -euo pipefail

command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need prometheus and promtool: install them (Debian: sudo apt-get install prometheus)" >&2
    exit 1
fi
echo "Installing prometheus"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
