#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh FOLDER: builds the programs of this folder and writes what gdb says about their deaths into FOLDER.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/demo"
cp "$here"/*.c "$here"/*.cc "$work/demo"
cd "$work/demo"
gcc -g -O0 -fstack-protector-all -pthread -o crash crash.c
g++ -g -O0 -o names names.cc
gcc -O0 -pthread -s -o stripped crash.c

neutral() {
	sed -e "s#$work/demo#/src/demo#g" -e '/^\[Inferior/d' -e '/debuginfod/d' -e '/^$/{N;/^\n$/D}'
}
# NAME PROGRAM COMMANDS…
session() {
	name=$1 program=$2
	shift 2
	case $name in bt-handler) set -- -ex 'handle SIGSEGV nostop noprint pass' -ex run "$@" ;; *) set -- -ex run "$@" ;; esac
	# shellcheck disable=SC2086
	gdb -nx -batch -ex 'set confirm off' -ex 'set width 0' "$@" --args $program 2>&1 </dev/null | neutral >"$out/$name.txt"
}
for kind in recurse abort assert null smash strings; do
	session "bt-$kind" "./crash $kind" -ex bt
done
session bt-handler './crash handler' -ex bt
session full-strings './crash strings' -ex 'bt full'
session threads './crash threads' -ex 'info threads' -ex 'thread apply all bt'
session threads-full './crash threads' -ex 'thread apply all bt full'
session names ./names -ex bt
session names-full ./names -ex 'bt full'
session stripped './stripped recurse' -ex bt
session pretty './crash handler' -ex 'set print pretty on' -ex 'p $_siginfo' -ex 'bt full'
# -batch would not wrap
gdb -nx -q -ex 'set width 60' -ex run -ex bt -ex kill -ex quit --args ./crash strings 2>&1 </dev/null | neutral >"$out/wrapped.txt"
gdb -nx -batch -ex run -ex 'generate-core-file core' --args ./crash threads >/dev/null 2>&1 </dev/null
gdb -nx -batch -ex 'thread apply all bt' ./crash core 2>&1 </dev/null | neutral >"$out/core.txt"
