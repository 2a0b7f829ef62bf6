// Known shares of CPU time: alpha 50, beta 30, gamma 20 %, below a chain whose frames are known.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// Of the whole process, in microseconds.
func cpuTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Sec*1000000 + usage.Utime.Usec
}

//go:noinline
func alpha(x uint64, turns int) uint64 {
	for i := 0; i < turns; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x | 1
}

//go:noinline
func beta(x uint64, turns int) uint64 {
	for i := 0; i < turns; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x | 3
}

//go:noinline
func gamma_(x uint64, turns int) uint64 {
	for i := 0; i < turns; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x | 5
}

func inlined(x uint64) uint64 { return alpha(x, 10000) }

type worker struct{ x uint64 }

//go:noinline
func (w *worker) rounds(end int64) {
	for cpuTime() < end {
		for i := 0; i < 20; i++ {
			w.x += inlined(w.x)
			w.x += beta(w.x, 6000)
			w.x += gamma_(w.x, 4000)
		}
	}
}

//go:noinline
func chain1(w *worker, end int64) uint64 { w.rounds(end); return w.x + 1 }

//go:noinline
func chain2(w *worker, end int64) uint64 {
	var pad [300]uint64
	pad[w.x%300] = 1
	return chain1(w, end) + pad[5]
}

func main() {
	seconds, _ := strconv.ParseFloat(os.Args[1], 64)
	end := cpuTime() + int64(seconds*1e6)
	var group sync.WaitGroup
	for i := 1; i < 2; i++ {
		group.Add(1)
		go func() { defer group.Done(); chain2(&worker{7}, end) }()
	}
	fmt.Println(chain2(&worker{5}, end))
	group.Wait()
}
