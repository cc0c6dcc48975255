#!/usr/bin/env bash
# Brings the browser in which the crawler's tests render pages: the system's Chromium.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need chromium: install it (Debian: sudo apt-get install chromium)" >&2
    exit 1
fi
echo "Installing chromium"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
