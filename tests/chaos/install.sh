#!/usr/bin/env bash
# Brings what the long run needs beside the tests' servers: a compiler for the slow disk, libfaketime for the clock.
set -euo pipefail
. "$(dirname "$0")/../servers/debian.sh"

packages=()
command -v cc >/dev/null || packages+=(gcc libc6-dev)
compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || packages+=(libfaketime)
[ "${#packages[@]}" -eq 0 ] || apt_install "${packages[@]}"
