// Package runner is what any runner needs, whatever its language: the service of runner.proto, its artifacts, its slots,
// its runs.
package runner

import (
	"flag"
	"fmt"
	"os"
)

// Main is the whole of a runner's main: it serves these languages, or, started by itself, is the process of one program.
func Main(languages ...*Language) {
	if len(os.Args) == 2 && os.Args[1] == programArgument {
		os.Exit(beProgram(languages))
	}
	address := flag.String("address", "127.0.0.1:50054", "where to serve: host:port or unix:/path")
	slots := flag.Int("slots", 2, "programs that run at once")
	flag.Parse()
	if flag.NArg() > 0 || *slots < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := serve(newService(languages, *slots), *address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
