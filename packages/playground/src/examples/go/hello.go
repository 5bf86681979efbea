package main

import "fmt"

func main() {
	for _, name := range []string{"Ada", "Grace", "Margaret"} {
		fmt.Printf("Hello, %s!\n", name)
	}
}
