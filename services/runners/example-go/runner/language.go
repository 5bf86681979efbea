package runner

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// Language is what a language tells of itself.
type Language struct {
	Name, Title string
	// Version as the tool itself reports it.
	Version string
	Aliases []string
	// Entry is the file that a program given as plain code is written to.
	Entry string
	// Interpret runs a program and returns its exit code. It is called in a process that is nothing but this program, in the
	// program's folder, with its standard streams, and only after go. To start a tool instead, it calls unix.Exec.
	Interpret func(*runlanev1.Start) int
	// What a program may use, and the most that it may ask for. Of a limit that has no maximum here, nothing is held.
	Defaults, Maxima *runlanev1.Limits
}

func (l *Language) isCalled(name, version string) bool {
	return (name == l.Name || slices.Contains(l.Aliases, name)) && (version == "" || version == l.Version)
}

func (l *Language) describe() *runlanev1.RunnerLanguage {
	return &runlanev1.RunnerLanguage{
		Name:          l.Name,
		Title:         l.Title,
		Version:       l.Version,
		Aliases:       l.Aliases,
		Entry:         l.Entry,
		DefaultLimits: l.Defaults,
		MaximumLimits: l.Maxima,
		Toolchain:     fmt.Sprintf("%s-%s-%s", l.Name, l.Version, strings.ReplaceAll(platform(), "/", "-")),
	}
}

// limitsOf gives every limit of a run; the error names one that is out of bounds.
func (l *Language) limitsOf(asked *runlanev1.Limits) (*runlanev1.Limits, error) {
	limits := proto.CloneOf(l.Defaults)
	maxima := l.Maxima.ProtoReflect()
	var problem error
	asked.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if !maxima.Has(field) {
			return true
		}
		if most := maxima.Get(field).Uint(); value.Uint() < 1 || value.Uint() > most {
			problem = fmt.Errorf("limits.%s must be from 1 to %d", field.Name(), most)
			return false
		}
		limits.ProtoReflect().Set(field, value)
		return true
	})
	return limits, problem
}

// platform is the operating system and processor in Runlane's words, which are Node's.
func platform() string {
	if runtime.GOARCH == "amd64" {
		return runtime.GOOS + "/x64"
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}
