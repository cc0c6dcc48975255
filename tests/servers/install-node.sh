#!/usr/bin/env bash
# Brings Node and, at the versions of its lock file, the official client of OpenAI for JavaScript.
set -euo pipefail
. "$(dirname "$0")/debian.sh"
cd "$(dirname "$0")/../javascript"

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    apt_install nodejs npm
fi
if ! cmp --silent package-lock.json node_modules/.lock; then
    npm ci --no-audit --no-fund --silent || {
        echo "npm ci failed in $PWD: is the npm registry within reach?" >&2
        exit 1
    }
    cp package-lock.json node_modules/.lock
fi
