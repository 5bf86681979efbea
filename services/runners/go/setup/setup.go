// Setup fills Go's build cache with the compiled standard library, and leaves it in the folder given.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	tool, kept := os.Args[1], os.Args[2]
	names, err := exec.Command(tool, "list", "std").Output()
	check(err)
	build := exec.Command(tool, "build")
	for _, name := range strings.Fields(string(names)) {
		if isUsual(name) {
			build.Args = append(build.Args, name)
		}
	}
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	check(build.Run())
	// What is kept is cached in these, and nothing else: a file that the tool locks, such as trim.txt, is one that any
	// program could hold locked against every compile.
	for number := 0; number < 256; number++ {
		folder := fmt.Sprintf("%02x", number)
		check(os.Rename(filepath.Join(os.Getenv("GOCACHE"), folder), filepath.Join(kept, folder)))
		// Go makes the folders of its cache where they are missing, which it cannot once the cache is read-only.
		check(os.WriteFile(filepath.Join(kept, folder, "kept"), nil, 0o644))
	}
	check(os.RemoveAll(os.Getenv("GOCACHE")))
}

// isUsual leaves out what programs cannot import, unless something else needs it, and large packages about Go itself.
func isUsual(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first != "debug" && first != "go" && first != "vendor" && !strings.Contains("/"+name+"/", "/internal/")
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
