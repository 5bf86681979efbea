package runner

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// sendProduced tells of the files that the program left in "out", within its limits, and of how many it does not tell.
func (r *run) sendProduced() (omitted uint32, err error) {
	files, bytes := r.start.Limits.GetProducedFiles(), r.start.Limits.GetProducedBytes()
	out := filepath.Join(r.process.folder, "out")
	err = filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if path == out && errors.Is(err, fs.ErrNotExist) {
			return fs.SkipAll
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		// A link would lead out of the folder, and a pipe would make us wait.
		if err != nil || !info.Mode().IsRegular() || files == 0 || uint64(info.Size()) > bytes {
			omitted++
			return nil
		}
		files--
		bytes -= uint64(info.Size())
		name, err := filepath.Rel(out, path)
		if err != nil {
			return err
		}
		return r.sendFile(name, path)
	})
	return omitted, err
}

func (r *run) sendFile(name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for first := true; ; first = false {
		// A new one for each: a message must not change once it was sent.
		buffer := make([]byte, artifactChunkBytes)
		size, err := io.ReadFull(file, buffer)
		atEnd := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !atEnd {
			return err
		}
		// An empty file has one part too.
		if size > 0 || first {
			part := &runlanev1.ProducedFile{Path: name, Chunk: buffer[:size]}
			if err := r.say(&runlanev1.ExecuteResponse{Message: &runlanev1.ExecuteResponse_File{File: part}}); err != nil {
				return err
			}
		}
		if atEnd {
			return nil
		}
	}
}
