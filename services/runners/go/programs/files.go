package main

import (
	"bytes"
	"os"
)

func main() {
	text, err := os.ReadFile("data.txt")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("out/result.txt", bytes.ToUpper(text), 0o644); err != nil {
		panic(err)
	}
}
