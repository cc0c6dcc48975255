#!/usr/bin/env bash
# Brings what the long run needs beside the tests' servers: a compiler for the slow disk, libfaketime for the clock.
set -euo pipefail

packages=()
command -v cc >/dev/null || packages+=(gcc libc6-dev)
compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || packages+=(libfaketime)
if [ "${#packages[@]}" -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "The long run needs ${packages[*]}: install them (Debian: sudo apt-get install ${packages[*]})" >&2
        exit 1
    fi
    echo "Installing ${packages[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi
