// SPDX-License-Identifier: Apache-2.0

// Crashes of every kind that the runtime reports: go run panics.go KIND.
package main

import (
	"errors"
	"os"
	"sync"
)

type list[T any] struct{ items []T }

func (l *list[T]) at(i int) T { return l.items[i] }

type shape interface{ area() float64 }

type square struct{ side *float64 }

func (s square) area() float64 { return *s.side * *s.side }

//go:noinline
func index(i int) int {
	l := &list[int]{items: []int{1, 2, 3}}
	return l.at(i)
}

//go:noinline
func down(n int) int { return down(n+1) + 1 }

func nested() {
	defer func() {
		panic(errors.New("in the deferred call"))
	}()
	panic("the first")
}

func again() {
	defer func() {
		if r := recover(); r != nil {
			panic(r)
		}
	}()
	index(9)
}

func race() {
	var group sync.WaitGroup
	n := 0
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() { n++; group.Done() }()
	}
	group.Wait()
}

func main() {
	kind := "index"
	if len(os.Args) > 1 {
		kind = os.Args[1]
	}
	switch kind {
	case "index":
		index(5)
	case "nil":
		var s shape = square{}
		s.area()
	case "overflow":
		down(0)
	case "nested":
		nested()
	case "again":
		again()
	case "goroutine":
		done := make(chan bool)
		go func() { index(7); done <- true }()
		<-done
	case "deadlock":
		<-make(chan int)
	case "map":
		m := map[int]int{}
		for i := 0; i < 4; i++ {
			go func() {
				for {
					m[1]++
				}
			}()
		}
		select {}
	case "race":
		race()
	}
}
