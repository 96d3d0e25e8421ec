#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# produce.sh OUT: runs the leaking programs beside it under what samples them, and keeps what that writes in OUT/<format>. The fixtures in
# tests/data/session were made so (OpenJDK 17.0.15, jemalloc 5.3.0, gperftools 2.10, Go 1.19.8, Valgrind 3.19, Prometheus 2.42);
# what is not installed is passed over. Prometheus watches itself, on loopback.
set -u
from=$(cd "$(dirname "$0")" && pwd)
out=$1
build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT
for format in jvm-histogram jvm-gc-log heap-profile massif prometheus proc; do mkdir -p "$out/$format" || exit 1; done
cd "$build" || exit 1
gcc -g -O0 "$from/leak.c" -o leak || exit 1

if javac -d . "$from/Leak.java" 2>/dev/null; then
	java -Xmx256m -XX:+UseSerialGC Leak 300 100 & pid=$!
	sleep 1
	for _ in 1 2 3 4; do
		sleep 0.3
		jcmd "$pid" GC.class_histogram | sed -n '1,40p;$p'
	done >"$out/jvm-histogram/jcmd.txt" # the heads of the histograms, and their last lines
	for i in 1 2 3; do
		mkdir -p "$out/jvm-histogram/jmap"
		jmap -histo:live "$pid" | sed -n '1,20p;$p' >"$out/jvm-histogram/jmap/histo-$i.txt"
	done
	kill "$pid"
	wait "$pid" 2>/dev/null
	java -Xmx24m -XX:+UseSerialGC -Xlog:gc*:file=serial.log Leak 100 5 >/dev/null 2>&1
	java -Xmx24m -XX:+UseG1GC -Xlog:gc:file=g1.log:time,level,tags Leak 100 5 >/dev/null 2>&1
	sed -n '1,60p' serial.log >"$out/jvm-gc-log/serial.txt"
	tail -n 60 g1.log >"$out/jvm-gc-log/g1.txt"
fi

library=/usr/lib/$(gcc -print-multiarch)
if [ -e "$library/libjemalloc.so.2" ]; then
	MALLOC_CONF=prof:true,lg_prof_sample:0,lg_prof_interval:18,prof_prefix:"$build/je" LD_PRELOAD=$library/libjemalloc.so.2 ./leak 12
	ls je.*.heap | sort -t. -k3n | head -4 | xargs cat | sed "s,$build,/src,g" >"$out/heap-profile/jemalloc.txt"
fi
if [ -e "$library/libtcmalloc.so.4" ]; then
	HEAPPROFILE=$build/tc HEAP_PROFILE_ALLOCATION_INTERVAL=300000 LD_PRELOAD=$library/libtcmalloc.so.4 ./leak 12 2>/dev/null
	ls tc.*.heap | head -4 | xargs cat | sed "s,$build,/src,g" >"$out/heap-profile/tcmalloc.txt"
fi
command -v go >/dev/null && go run "$from/leak.go" 3 | sed "s,$from,/src,g" | awk '/^heap profile/ { n = 0 } /^[0-9]/ { n++ } n < 12 || /^# [A-Z]/' >"$out/heap-profile/go.txt"
command -v valgrind >/dev/null && valgrind -q --tool=massif --massif-out-file=massif.out --time-unit=B --detailed-freq=4 --max-snapshots=20 ./leak 30 &&
	sed "s,$build,/src,g" massif.out >"$out/massif/leak.txt"

PAUSE_MS=60 ./leak 40 & pid=$!
for _ in 1 2 3 4; do
	sleep 0.2
	cat /proc/$pid/smaps_rollup
done >"$out/proc/smaps_rollup.txt"
for _ in 1 2 3 4; do
	sleep 0.2
	cat /proc/$pid/status
done >"$out/proc/status.txt"
wait $pid

group=/sys/fs/cgroup/memory/whorl-produce
if mkdir $group 2>/dev/null; then
	PAUSE_MS=60 sh -c 'echo $$ >'$group'/cgroup.procs; exec ./leak 40' & pid=$!
	for _ in 1 2 3 4; do
		sleep 0.2
		cat $group/memory.stat
	done >"$out/proc/cgroup1.txt"
	wait $pid
	rmdir $group
fi

if command -v prometheus >/dev/null; then
	printf 'global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:19090"]}]}]\n' >prometheus.yml
	prometheus --config.file=prometheus.yml --storage.tsdb.path="$build/data" --web.listen-address=127.0.0.1:19090 >/dev/null 2>&1 & pid=$!
	sleep 12
	now=$(date +%s)
	curl -s "http://127.0.0.1:19090/api/v1/query_range?query=%7B__name__%3D~%22process_.*%7Cgo_goroutines%7Cprometheus_http_requests_total%22%7D&start=$((now - 10))&end=$now&step=2" >"$out/prometheus/range.txt"
	kill $pid
	wait $pid 2>/dev/null
fi
