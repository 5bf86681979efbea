package jq

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/itchyny/gojq"
	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// resultOf runs a program in a folder of its own, which lies beside a file that it must not reach.
func resultOf(t *testing.T, program string) any {
	t.Helper()
	above := t.TempDir()
	here := filepath.Join(above, "program")
	for path, content := range map[string]string{
		filepath.Join(above, "secret.jq"):  `def word: "secret";`,
		filepath.Join(here, "data.txt"):    "some data",
		filepath.Join(here, "helpers.jq"):  `def word: "helped";`,
		filepath.Join(here, "lib", "a.jq"): `def word: "from a folder";`,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.jq", filepath.Join(here, "link.jq")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	limits := &runlanev1.Limits{ProducedFiles: proto.Uint32(2), ProducedBytes: proto.Uint64(100)}
	start := &runlanev1.Start{Limits: limits}
	code, err := compile(program, start, gojq.NewIter[any]())
	if err != nil {
		return err
	}
	result, _ := code.Run(nil, argumentsOf(start)).Next()
	return result
}

func TestAProgramUsesTheFilesOfItsFolder(t *testing.T) {
	for program, wanted := range map[string]string{
		`"data.txt" | load`: "some data",
		`"new" | save("out/a/b.txt") | "out/a/b.txt" | load`: "new",
		`import "helpers" as h; h::word`:                     "helped",
		`import "lib/a" as a; a::word`:                       "from a folder",
	} {
		if got := resultOf(t, program); got != wanted {
			t.Errorf("%s gives %v and not %q", program, got, wanted)
		}
	}
}

func TestAProgramReachesNothingOutsideOfItsFolder(t *testing.T) {
	for _, program := range []string{
		`"/etc/passwd" | load`,
		`"../secret.jq" | load`,
		`"link.jq" | load`,
		`"x" | save("/tmp/runlane-example")`,
		`"x" | save("../x")`,
		`"x" | save("link.jq")`,
		`import "../secret" as s; s::word`,
		`import "link" as s; s::word`,
		`import "secret" as s {search: ".."}; s::word`,
		`import "/etc/hostname" as $name; $name`,
		`include "../secret"; word`,
		`"secret" | modulemeta`,
	} {
		err, failed := resultOf(t, program).(error)
		if !failed {
			t.Errorf("%s succeeds", program)
		}
		t.Log(program, err)
	}
}

func TestAProgramWritesNoMoreThanComesBack(t *testing.T) {
	for _, program := range []string{
		`"x" * 101 | save("out/a")`,
		`"x" * 60 | save("out/a") | save("out/b")`,
		`"x" | save("out/a") | save("out/b") | save("out/c")`,
	} {
		if _, failed := resultOf(t, program).(error); !failed {
			t.Errorf("%s succeeds", program)
		}
	}
}
