#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# languages.sh OUT: builds and runs the programs in ada, backtrace, crystal, d, elixir, erlang, haskell, lua, nim, ocaml, perl and r beside it,
# and keeps what they say when they die in OUT. The fixtures in tests/data/stack/<language> were made so, with what Debian 12 has; a
# language whose compiler or interpreter is not here is passed over.
set -u
from=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT
cd "$build" || exit 1
for language in ada backtrace crystal d elixir erlang haskell lua nim ocaml perl r; do
	cp "$from/$language"/* . || exit 1
done

have() {
	command -v "$1" >/dev/null
}

keep() { # keep FILE COMMAND…: runs it, with the folder's name taken out
	file=$1
	shift
	mkdir -p "$out/$(dirname "$file")"
	"$@" >"$build/log" 2>&1 </dev/null
	sed "s,$build,/src,g" "$build/log" >"$out/$file.txt"
}

if have gnatmake; then
	for traces in plain -E -Es; do
		binding="-bargs $traces"
		[ $traces = plain ] && binding=
		rm -f ./*.o ./*.ali
		# shellcheck disable=SC2086
		gnatmake -q -g raised.adb -o raised $binding || continue
		for what in index divide raise; do
			keep "ada/$what$traces" ./raised $what
		done
	done
fi
if have crystal && crystal build died.cr -o died-crystal; then
	for what in index key raise divide cause memory block; do
		keep crystal/$what ./died-crystal $what
		keep crystal/fiber-$what ./died-crystal $what fiber
	done
fi
for compiler in gdc ldc2; do
	have $compiler || continue
	if [ $compiler = gdc ]; then gdc -g thrown.d -o thrown; else ldc2 -g thrown.d -of=thrown; fi
	for what in index assert cause throw; do
		keep "d/$compiler-$what" ./thrown $what
	done
done
if have elixir; then
	for what in arithmetic badmap match raise throw exit fun task server; do
		keep elixir/$what elixir raised.exs $what
	done
fi
if have erl; then
	erlc died.erl
	{ echo '#!/usr/bin/env escript'; cat died.erl; } >died.escript
	for what in badarith badmatch clause nth undef throw exit error; do
		keep erlang/escript-$what escript died.escript $what
		for how in process linked server; do
			keep erlang/$how-$what erl -noshell -eval "died:main([\"$how\",\"$what\"])" -s init stop
		done
	done
	keep erlang/init erl -noshell -eval 'died:main(["badarith"])' -s init stop
	printf 'died:total(7,"badarith").\ndied:total(7,"error").\nlists:nth(3,[]).\ncatch died:total(7,"badmatch").\nhalt().\n' >lines
	keep erlang/shell sh -c 'erl <lines'
fi
if have ghc; then
	ghc -v0 -O0 Thrown.hs -o thrown-plain && rm -f Thrown.o Thrown.hi
	ghc -v0 -prof -fprof-auto Thrown.hs -o thrown-prof
	for what in index error divide map custom undefined case; do
		keep haskell/plain-$what ./thrown-plain $what
		keep haskell/prof-$what ./thrown-prof $what
		keep haskell/xc-$what ./thrown-prof $what +RTS -xc
	done
fi
for lua in lua5.1 lua5.3 lua5.4 luajit; do
	have $lua || continue
	for what in index error table assert tail sort deep string; do
		keep "lua/$lua-$what" $lua died.lua $what
		keep "lua/$lua-thread-$what" $lua died.lua $what thread
	done
done
if have nim; then
	nim c --hints:off --verbosity:0 -o:died-full died.nim
	nim c --hints:off --verbosity:0 -d:release --stacktrace:on -o:died-names died.nim
	nim c --hints:off --verbosity:0 -d:release -o:died-bare died.nim
	for what in index raise deep again reraise assert nil; do
		for how in full names bare; do
			keep nim/$how-$what ./died-$how $what
		done
	done
fi
if have ocamlopt; then
	ocamlopt -g died.ml -o died-native
	ocamlc -g died.ml -o died-bytes
	for what in index failwith custom divide notfound assert again finally map; do
		for how in native bytes; do
			keep ocaml/$how-$what env OCAMLRUNPARAM=b ./died-$how $what
		done
	done
fi
if have perl; then
	for what in divide method die croak confess eval cluck all-divide all-method; do
		keep perl/$what perl died.pl $what
	done
fi
if have Rscript; then
	for what in index stop nocall long type apply warn tb-index tb-stop tb-long tb-apply tb-type; do
		keep r/$what Rscript died.R $what
	done
	for what in tb-index tb-stop tb-apply; do
		keep r/source-$what Rscript -e 'options(keep.source=TRUE)' -e "source('died.R')" $what
	done
fi
if have g++; then
	g++ -g -O1 -rdynamic -D_FORTIFY_SOURCE=2 crash.cc -o crash
	g++ -g -O1 crash.cc -o crash-names
	for what in null abort overflow; do
		keep backtrace/glibc-$what ./crash $what handled
		keep backtrace/glibc-bare-$what ./crash-names $what handled
	done
	keep backtrace/fortify ./crash overflow
	g++ -g -O1 -DGLOG crash.cc -o crash-glog -lglog 2>/dev/null &&
		for what in null abort check; do
			keep backtrace/glog-$what ./crash-glog $what
		done
	# shellcheck disable=SC2046
	g++ -g -O1 -DABSEIL crash.cc -o crash-abseil $(pkg-config --libs absl_failure_signal_handler absl_symbolize) 2>/dev/null &&
		keep backtrace/abseil-null ./crash-abseil null
	g++ -g -O1 -rdynamic -DBOOST crash.cc -o crash-boost -ldl 2>/dev/null && keep backtrace/boost-null ./crash-boost null handled
	g++ -g -O1 -DBOOST -DBOOST_STACKTRACE_USE_ADDR2LINE crash.cc -o crash-boost -ldl 2>/dev/null &&
		keep backtrace/boost-lines-null ./crash-boost null handled
fi
have clang && keep backtrace/llvm clang -c llvm.c -o /dev/null
exit 0
