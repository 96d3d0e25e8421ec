#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh FOLDER: builds the programs of this folder, lets the JVM die in several ways and keeps its fatal error logs in FOLDER, without
# the memory map, the libraries and the like, which are long. Needs a JDK.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
javac -d . "$here/Crash.java" 2>/dev/null
gcc -g -O1 -fno-omit-frame-pointer -shared -fPIC -o libmeasure.so "$here/strlen.c"

log() { # NAME ARGUMENTS OF JAVA…
	name=$1
	shift
	rm -f hs.log
	java -XX:ErrorFile=hs.log -XX:-CreateCoredumpOnCrash "$@" >/dev/null 2>&1 || true
	keep "$name"
}
keep() { # up to the summary of the machine
	sed -e "s#$work#/src/demo#g" -e '/^Registers:/,/^$/d' -e '/^Dynamic libraries:/,/^$/d' -e '/^Environment Variables:/,/^$/d' \
		-e '/^Top of Stack:/,/^$/d' -e '/^Instructions:/,/^$/d' -e '/^XMM/d' -e '/MXCSR/d' -e '/^Register to memory/,/^Stack slot/d' \
		-e '/^stack at sp/d' -e '/^method entry point/d' -e '/^Compiled method/,/^$/d' -e '/^Threads class SMR/,/^Other Threads/d' -e '/^Event/,/^$/d' \
		-e '/^---------------  P R O C E S S/,$d' -e '/^Host: /d' -e '/^Command Line: /s#: .*#: Crash#' hs.log >"$out/$1.txt"
}
log unsafe -cp . Crash unsafe
log interpreted -Xint -cp . Crash unsafe
log compiled -cp . -XX:CompileThreshold=100 Crash compiled
log jni -cp . Crash jni "$work/libmeasure.so"
log memory -cp . -Xmx64m -XX:+CrashOnOutOfMemoryError Crash memory
rm -f hs.log
java -XX:ErrorFile=hs.log -XX:-CreateCoredumpOnCrash -cp . Crash wait >/dev/null 2>&1 &
sleep 3
kill -SEGV $!
wait $! || true
keep killed
rm -f hs.log
java -XX:ErrorFile=hs.log -XX:-CreateCoredumpOnCrash -cp . Crash jni "$work/libmeasure.so" >"$work/stdout" 2>&1 || true
sed -e "s#$work#/src/demo#g" "$work/stdout" >"$out/stdout.txt"
