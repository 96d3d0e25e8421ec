// SPDX-License-Identifier: Apache-2.0
// leak STEPS: prints its heap profile as text (debug=1) after each step.
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
)

type entry struct {
	payload [256]byte
	next    *entry
}

var cache *entry
var buffers [][]byte

//go:noinline
func remember() {
	cache = &entry{next: cache}
}

//go:noinline
func buffer() {
	buffers = append(buffers, make([]byte, 65536))
}

func main() {
	runtime.MemProfileRate = 1
	steps, _ := strconv.Atoi(os.Args[1])
	for step := 0; step < steps; step++ {
		for i := 0; i < 100; i++ {
			remember()
		}
		buffer()
		runtime.GC()
		pprof.Lookup("heap").WriteTo(os.Stdout, 1)
	}
}
