package main

import (
	"fmt"
	"strings"
)

func main() {
	line := strings.Repeat("x", 63)
	for {
		fmt.Println(line)
	}
}
