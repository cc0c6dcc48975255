#!/usr/bin/env bash
# Brings Prometheus and promtool, which the tests of rules and dashboards run.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

command -v prometheus >/dev/null && command -v promtool >/dev/null && exit 0
apt_install prometheus
