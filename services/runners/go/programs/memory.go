package main

import "bytes"

func main() {
	var kept [][]byte
	for {
		kept = append(kept, bytes.Repeat([]byte{1}, 8<<20))
	}
}
