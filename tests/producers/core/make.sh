#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh OUT: builds tiny.c for the four machines, lets it die, and keeps program and shrunk core in OUT. The fixtures in tests/data/core were
# made so, in an empty environment: gcc 12.2, Linux, qemu-user 7.2 for arm64 and arm, in /srv/tiny. Wants core_pattern to be a plain name, and a folder that it may make.
set -eu
from=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=/srv/tiny
mkdir "$work"
trap 'rm -rf "$work"' EXIT
cd "$work"
cp "$from/tiny.c" .
ulimit -c unlimited
build() { # build NAME COMPILER FLAGS…
	name=$1 compiler=$2
	shift 2
	"$compiler" "$@" -O1 -g1 -fno-optimize-sibling-calls -fno-stack-protector -ffreestanding -nostdlib -static -no-pie -Wl,-z,max-page-size=4096 -Wl,-z,noseparate-code \
		-Wl,--build-id=sha1 -ffile-prefix-map="$work"=/src tiny.c -o "tiny-$name" -lgcc
}
keep() { # keep NAME CORE
	python3 "$from/shrink.py" "$2" "$out/$1.core"
	cp "tiny-$1" "$out/$1.elf"
	rm -f core* ./*.core
}
build x86_64 gcc -fasynchronous-unwind-tables -fno-omit-frame-pointer
env -i ./tiny-x86_64 || keep x86_64 core*
build x86 gcc -m32 -fasynchronous-unwind-tables
env -i ./tiny-x86 || keep x86 core*
build arm64 aarch64-linux-gnu-gcc -fasynchronous-unwind-tables
env -i /usr/bin/qemu-aarch64 ./tiny-arm64 || keep arm64 qemu_*.core
build arm arm-linux-gnueabihf-gcc -funwind-tables
env -i /usr/bin/qemu-arm ./tiny-arm || keep arm qemu_*.core
