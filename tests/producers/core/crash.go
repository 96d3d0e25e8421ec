// SPDX-License-Identifier: Apache-2.0
// crash WAY: the same in Go; GOTRACEBACK=crash makes the runtime end itself with a core.
package main

import (
	"fmt"
	"os"
	"time"
)

type order struct{ lines []int }

//go:noinline
func (o *order) total(n int) int { return o.lines[n] }

//go:noinline
func deep(n int, o *order) int {
	if n == 0 {
		return o.total(7)
	}
	return deep(n-1, o) + 1
}

func main() {
	way := ""
	if len(os.Args) > 1 {
		way = os.Args[1]
	}
	switch way {
	case "index":
		fmt.Println(deep(3, &order{lines: []int{1}}))
	case "nil":
		fmt.Println(deep(2, nil))
	case "panic":
		panic(fmt.Sprintf("no %s", way))
	case "goroutine":
		go func() { fmt.Println(deep(1, nil)) }()
		time.Sleep(time.Second * 5)
	}
}
