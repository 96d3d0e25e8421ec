#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cgroup2.sh KERNEL: four times the memory.stat of a control group (v2) in which leak.c runs, on stdout. Where the running kernel has the memory
# controller in v1 this boots another one under QEMU: KERNEL is a bzImage with memory cgroups and initramfs, as Debian's linux-image-cloud-amd64
# (`dpkg -x` unpacks it); busybox-static is what else runs there. tests/data/session/proc/cgroup2.txt was made so, with Linux 6.1.
set -eu
kernel=$1
from=$(cd "$(dirname "$0")" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/root/bin" "$build/root/cgroup" "$build/root/dev"
cp "$(command -v busybox)" "$build/root/bin/busybox"
gcc -static -O0 "$from/leak.c" -o "$build/root/bin/leak"
cat >"$build/root/init" <<'END'
#!/bin/busybox sh
busybox=/bin/busybox
$busybox mount -t cgroup2 none /cgroup
$busybox mount -t devtmpfs none /dev # a background job reads /dev/null
echo +memory >/cgroup/cgroup.subtree_control
$busybox mkdir /cgroup/produce
PAUSE_MS=60 $busybox sh -c 'echo $$ >/cgroup/produce/cgroup.procs; exec /bin/leak 400' &
for i in 1 2 3 4; do
	$busybox sleep 3 # the kernel sums up every two seconds
	echo "== begin"
	$busybox cat /cgroup/produce/memory.stat
	echo "== end"
done
$busybox poweroff -f
END
chmod +x "$build/root/init"
(cd "$build/root" && find . | cpio -o -H newc --quiet) | gzip >"$build/initrd.gz"
qemu-system-x86_64 -accel tcg -cpu max -m 256 -display none -serial "file:$build/console" -no-reboot -nic none \
	-kernel "$kernel" -initrd "$build/initrd.gz" -append "console=ttyS0 quiet panic=-1 cgroup_no_v1=all"
tr -d '\r' <"$build/console" | sed -n '/^== begin/,/^== end/p' | grep -v '^=='
