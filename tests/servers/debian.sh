# shellcheck shell=bash
# Sourced by the scripts that bring what a test or a long run needs of Debian.

# apt_install PACKAGE…: as root by apt-get; otherwise say what is missing and how to get it, and end.
apt_install() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "This needs $*: install them (Debian: sudo apt-get install $*)" >&2
        exit 1
    fi
    echo "Installing $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
