// Setup fills Go's build cache, which is the folder given, with the compiled standard library.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	tool, cache := os.Args[1], os.Args[2]
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
	// Go makes the folders of its cache where they are missing, which it cannot once the cache is read-only.
	for number := 0; number < 256; number++ {
		check(os.WriteFile(filepath.Join(cache, fmt.Sprintf("%02x", number), "kept"), nil, 0o644))
	}
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
