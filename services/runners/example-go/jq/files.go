package jq

import (
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/itchyny/gojq"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// folder is all that a program sees of the file system: os.Root lets neither .. nor a link lead out of it. jq itself reads
// no files but modules, and writes none; load and save are this runner's own.
type folder struct {
	root                 *os.Root
	filesLeft, bytesLeft uint64
}

func openFolder(limits *runlanev1.Limits) (*folder, error) {
	root, err := os.OpenRoot(".")
	return &folder{root, uint64(limits.GetProducedFiles()), limits.GetProducedBytes()}, err
}

// load gives the content of the file that its input names.
func (f *folder) load(input any, _ []any) any {
	name, ok := input.(string)
	if !ok {
		return errors.New("load: the name of a file must be a string")
	}
	content, err := f.root.ReadFile(name)
	if err != nil {
		return err
	}
	return string(content)
}

// save writes its input to the file that its argument names, and gives the input on. It counts what it writes: a disk
// has no other limit here.
func (f *folder) save(input any, arguments []any) any {
	content, isText := input.(string)
	name, isName := arguments[0].(string)
	if !isText || !isName {
		return errors.New("save: content and name must be strings")
	}
	if f.filesLeft == 0 || uint64(len(content)) > f.bytesLeft {
		return errors.New("save: limits.produced_files or limits.produced_bytes is used up")
	}
	f.filesLeft--
	f.bytesLeft -= uint64(len(content))
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if err := f.root.WriteFile(name, []byte(content), 0o600); err != nil {
		return err
	}
	return input
}

// LoadModule is how gojq reads `import "name" as n;`. Its own loader would take any path of the machine.
func (f *folder) LoadModule(name string) (*gojq.Query, error) {
	content, err := f.root.ReadFile(name + ".jq")
	if err != nil {
		return nil, err
	}
	module, err := gojq.Parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s.jq: %w", name, err)
	}
	return module, nil
}
