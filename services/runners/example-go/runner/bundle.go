package runner

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

const (
	maxParts     = 8
	maxPartBytes = 255
	// maxRunFilesBytes is what the contract allows: a message of gRPC stays below 4 MiB with it.
	maxRunFilesBytes = 3932160
)

// checkPath says why a path may not be used.
func checkPath(path string) error {
	parts := strings.Split(path, "/")
	if len(parts) > maxParts {
		return fmt.Errorf("%q has more than %d parts", path, maxParts)
	}
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || len(part) > maxPartBytes {
			return fmt.Errorf("%q is no relative path without . and ..", path)
		}
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%q has a control character", path)
	}
	return nil
}

// readBundle gives the files of a bundle by their paths, or says why it is none.
func readBundle(content []byte) (map[string]*runlanev1.BundleFile, error) {
	var bundle runlanev1.Bundle
	if err := proto.Unmarshal(content, &bundle); err != nil {
		return nil, errors.New("these bytes are no Bundle")
	}
	if len(bundle.Files) == 0 {
		return nil, errors.New("the bundle holds no file")
	}
	files := make(map[string]*runlanev1.BundleFile)
	for _, file := range bundle.Files {
		if err := checkPath(file.Path); err != nil {
			return nil, err
		}
		if files[file.Path] != nil {
			return nil, fmt.Errorf("%q is there twice", file.Path)
		}
		files[file.Path] = file
	}
	return files, checkTree(files)
}

// checkTree says whether a file is where another needs a folder.
func checkTree(files map[string]*runlanev1.BundleFile) error {
	for name := range files {
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			if files[folder] != nil {
				return fmt.Errorf("%q is a file and a folder", folder)
			}
		}
	}
	return nil
}

// withRunFiles adds the files of one run, the bytes of a bundle or none, to those of its artifact.
func withRunFiles(files map[string]*runlanev1.BundleFile, content []byte) (map[string]*runlanev1.BundleFile, error) {
	if len(content) == 0 {
		return files, nil
	}
	if len(content) > maxRunFilesBytes {
		return nil, fmt.Errorf("files are longer than %d bytes", maxRunFilesBytes)
	}
	more, err := readBundle(content)
	if err != nil {
		return nil, err
	}
	for name, file := range more {
		if files[name] != nil {
			return nil, fmt.Errorf("files: %q is a file of the artifact", name)
		}
		files[name] = file
	}
	return files, checkTree(files)
}

// filesWith gives the files of a bundle that has this entry.
func filesWith(entry string, content []byte) (map[string]*runlanev1.BundleFile, error) {
	if err := checkPath(entry); err != nil {
		return nil, err
	}
	files, err := readBundle(content)
	if err == nil && files[entry] == nil {
		err = fmt.Errorf("the entry %q is no file of the program", entry)
	}
	return files, err
}

func writeFiles(folder string, files map[string]*runlanev1.BundleFile) error {
	for _, file := range files {
		path := filepath.Join(folder, file.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		mode := os.FileMode(0o600)
		if file.Executable {
			mode = 0o700
		}
		if err := os.WriteFile(path, file.Content, mode); err != nil {
			return err
		}
	}
	return nil
}
