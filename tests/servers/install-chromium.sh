#!/usr/bin/env bash
# Brings the browser in which the crawler's tests render pages: the system's Chromium.
set -euo pipefail
. "$(dirname "$0")/debian.sh"

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done

apt_install chromium
