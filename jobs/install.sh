#!/bin/bash
# install.sh PACKAGE...: install Debian packages with apt where we may (as root, or by sudo without a password), else exit 1.
set -u
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
command -v apt-get >/dev/null || exit 1
[ -z "$as_root" ] || $as_root true 2>/dev/null || exit 1
echo "setup: installing $*"
$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
