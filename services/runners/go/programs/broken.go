package main

import "fmt"

func main() {
	var number int = "never"
	fmt.Println(number)
}
