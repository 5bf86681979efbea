// A runner of jq, and an example of a runner of one's own in Go: it shares nothing with the built-in one but the contract.
package main

import (
	"runlane.dev/runners/example-go/jq"
	"runlane.dev/runners/example-go/runner"
)

func main() {
	runner.Main(jq.Language)
}
