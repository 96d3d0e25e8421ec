#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh FOLDER: what lldb and eu-stack say about the programs of ../gdb and the one here, into FOLDER/lldb and FOLDER/eu-stack.
# LLDB names the debugger (lldb-14, lldb).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lldb=${LLDB:-lldb-14}
mkdir -p "$1/lldb" "$1/eu-stack"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/demo"
cp "$here"/../gdb/*.c "$here"/../gdb/*.cc "$here"/*.cc "$work/demo"
cd "$work/demo"
gcc -g -O0 -fstack-protector-all -pthread -o crash crash.c
g++ -g -O0 -o names names.cc
g++ -g -O2 -o thrown thrown.cc
gcc -O0 -pthread -s -o stripped crash.c

neutral() {
	sed -e "s#$work/demo#/src/demo#g" -e '/^Traceback (most recent/d' -e '/File "<string>", line 1, in <module>/d' -e '/lldb.embedded_interpreter/d'
}
session() { # NAME PROGRAM COMMANDS…
	name=$1 program=$2
	shift 2
	# shellcheck disable=SC2086
	"$lldb" -x --batch -o 'settings set target.disable-aslr true' -o run "$@" -- $program 2>&1 </dev/null | neutral >"$out/lldb/$name.txt"
}
for kind in recurse abort assert null smash strings; do
	session "bt-$kind" "./crash $kind" -k bt
done
session threads './crash threads' -o 'thread backtrace all' -o 'thread list'
session names ./names -k 'bt all'
session thrown ./thrown -k bt
session stripped './stripped recurse' -k bt
session breakpoint './crash recurse' -o 'image list -b' -k bt
# somebody looks at another thread first, and at the frames
"$lldb" -x -b -o 'settings set target.disable-aslr true' -o run -o 'thread select 2' -o bt -o 'thread select 3' -o bt -o 'frame select 1' -- ./crash threads 2>&1 </dev/null |
	neutral >"$out/lldb/looking.txt"
gdb -nx -batch -ex run -ex 'generate-core-file core' --args ./crash threads >/dev/null 2>&1 </dev/null
gdb -nx -batch -ex run -ex 'generate-core-file core-names' --args ./names >/dev/null 2>&1 </dev/null
gdb -nx -batch -ex run -ex 'generate-core-file core-thrown' --args ./thrown >/dev/null 2>&1 </dev/null
gdb -nx -batch -ex run -ex 'generate-core-file core-stripped' --args ./stripped recurse >/dev/null 2>&1 </dev/null
"$lldb" -x -b -o 'thread backtrace all' -c core -- ./crash 2>&1 </dev/null | neutral >"$out/lldb/core.txt"

stack() { # NAME ARGUMENTS…
	name=$1
	shift
	eu-stack "$@" 2>&1 </dev/null | neutral >"$out/eu-stack/$name.txt"
}
stack core --core core -e ./crash
stack core-all --core core -e ./crash -m -b -s -i -a -v -r
stack core-inlines --core core-thrown -e ./thrown -i -s
stack core-inlines-all --core core-thrown -e ./thrown -i -s -d -v -m -l
stack core-names --core core-names -e ./names -m -s
stack core-raw --core core-names -e ./names -r -a
stack core-build-ids --core core-thrown -e ./thrown -m -b
stack core-stripped --core core-stripped -e ./stripped -a -s -m
sleep 100 &
stack live -p $! -m
kill $!
