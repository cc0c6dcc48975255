#!/usr/bin/env bash
# Brings actionlint, which the tests of the workflows run, and shellcheck, which it asks about their commands.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/servers/debian.sh
. tests/servers/debian.sh

version=1.7.12
target=.cache/actionlint-$version

command -v shellcheck >/dev/null || apt_install shellcheck
[ -x "$target/actionlint" ] && exit 0

packages=()
command -v go >/dev/null || packages+=(golang-go ca-certificates)
[ "${#packages[@]}" -eq 0 ] || apt_install "${packages[@]}"

echo "Building actionlint $version"
case "$(go env GOVERSION)" in
    go1.[0-9] | go1.[0-9].* | go1.1[0-9] | go1.1[0-9].* | go1.20*)
        # Debian 12's Go is too old to build it and to fetch a newer Go by itself, but a toolchain is a module too.
        toolchain=$(GOFLAGS=-modcacherw go mod download -json "golang.org/toolchain@v0.0.1-go1.26.8.linux-$(go env GOARCH)" |
            sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
        chmod -R u+x "$toolchain/bin" "$toolchain/pkg/tool"
        export PATH="$toolchain/bin:$PATH"
        ;;
esac
GOBIN="$PWD/$target" go install "github.com/rhysd/actionlint/cmd/actionlint@v$version"
