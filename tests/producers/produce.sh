#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# produce.sh OUT: builds the programs beside it and keeps what sanitizers, libFuzzer and Valgrind say of them in OUT. The fixtures
# in tests/data/stack/{sanitizer,valgrind}/made-*.txt were made so (gcc 12.2, clang 14.0, Valgrind 3.19); a program that cannot be
# built or run here is passed over.
set -u
from=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out/sanitizer" "$out/valgrind" || exit 1
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT
cd "$build" || exit 1
cp "$from"/*.c .

compile() { # compile COMPILER NAME SOURCE FLAGS…
	compiler=$1 name=$2 source=$3
	shift 3
	command -v "$compiler" >/dev/null && "$compiler" -w -g -O0 -fno-omit-frame-pointer -ffile-prefix-map="$build"=/src \
		-fdebug-prefix-map="$build"=/src "$@" "$source" -o "$name" -lpthread 2>/dev/null
}

keep() { # keep FILE COMMAND…: runs it, with the folder's name taken out
	file=$1
	shift
	"$@" >"$build/log" 2>&1
	sed "s,$build,/src,g" "$build/log" >"$out/$file"
}

export ASAN_OPTIONS=detect_leaks=1:handle_abort=1:color=never UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=0 TSAN_OPTIONS=second_deadlock_stack=1
for compiler in gcc clang; do
	if compile $compiler memory-$compiler memory.c -fsanitize=address; then
		for kind in read write global freed twice bad-free deep leak overlap null abort huge; do
			keep sanitizer/made-$compiler-asan-$kind.txt ./memory-$compiler $kind
		done
	fi
	compile $compiler undefined-$compiler undefined.c -fsanitize=undefined &&
		keep sanitizer/made-$compiler-ubsan.txt ./undefined-$compiler
	compile $compiler race-$compiler race.c -fsanitize=thread &&
		keep sanitizer/made-$compiler-tsan.txt setarch -R ./race-$compiler
done
compile clang memory-msan memory.c -fsanitize=memory && keep sanitizer/made-clang-msan.txt ./memory-msan undefined
# x86-64 has no tags of its own: memory is mapped at several addresses instead
if compile clang memory-hwasan memory.c -fsanitize=hwaddress -fsanitize-hwaddress-experimental-aliasing; then
	for kind in read write freed twice bad-free overlap; do
		keep sanitizer/made-clang-hwasan-$kind.txt ./memory-hwasan $kind
	done
fi
if compile clang fuzzed fuzzed.c -fsanitize=fuzzer,address; then
	for kind in a e m o p t w; do
		printf %s "$kind" >"input-$kind"
		keep sanitizer/made-clang-fuzzer-$kind.txt ./fuzzed -timeout=1 -rss_limit_mb=64 -malloc_limit_mb=0 "input-$kind"
	done
fi
compile clang fuzzed-alone fuzzed.c -fsanitize=fuzzer &&
	keep sanitizer/made-clang-fuzzer-alone.txt ./fuzzed-alone input-a
if compile gcc memory memory.c && command -v valgrind >/dev/null; then
	for kind in read write freed twice bad-free leak undefined param null abort deep; do
		keep valgrind/made-memcheck-$kind.txt valgrind --leak-check=full ./memory $kind
	done
	compile gcc race race.c
	keep valgrind/made-helgrind.txt valgrind --tool=helgrind ./race
	keep valgrind/made-drd.txt valgrind --tool=drd ./race
fi
exit 0
