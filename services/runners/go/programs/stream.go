package main

import (
	"fmt"
	"time"
)

func main() {
	for tick := 1; tick <= 5; tick++ {
		if tick > 1 {
			time.Sleep(100 * time.Millisecond)
		}
		fmt.Println("tick", tick)
	}
}
