package jq

import (
	"errors"
	"fmt"
	"os"

	"github.com/itchyny/gojq"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// Exit codes of the command jq.
const (
	ended       = 0
	notUsable   = 2
	notCompiled = 3
	failed      = 5
)

// interpret runs a program as the command jq does: once for each value of its input, or once where it asks for none.
func interpret(start *runlanev1.Start) int {
	source, err := os.ReadFile(start.Entry)
	if err != nil {
		return complain(err, notUsable)
	}
	asked, err := optionsOf(string(source))
	if err != nil {
		return complain(err, notUsable)
	}
	input := newInputs(os.Stdin, asked)
	code, err := compile(string(source), start, input)
	if err != nil {
		return complain(err, notCompiled)
	}
	each := input
	if asked.nullInput {
		each = gojq.NewIter[any](nil)
	}
	exitCode := ended
	for value, ok := each.Next(); ok; value, ok = each.Next() {
		if err, unread := value.(error); unread {
			return complain(err, notUsable)
		}
		err := print(code.Run(value, argumentsOf(start)), asked)
		if halt, ok := errors.AsType[*gojq.HaltError](err); ok {
			return sayLast(halt)
		}
		if err != nil {
			exitCode = complain(err, failed)
		}
	}
	return exitCode
}

func compile(source string, start *runlanev1.Start, input gojq.Iter) (*gojq.Code, error) {
	query, err := gojq.Parse(source)
	if err != nil {
		return nil, err
	}
	folder, err := openFolder(start.Limits)
	if err != nil {
		return nil, err
	}
	return gojq.Compile(query,
		gojq.WithInputIter(input),
		gojq.WithEnvironLoader(func() (environment []string) {
			for name, value := range start.Env {
				environment = append(environment, name+"="+value)
			}
			return environment
		}),
		gojq.WithVariables([]string{"$ARGS"}),
		gojq.WithModuleLoader(folder),
		gojq.WithFunction("load", 0, 0, folder.load),
		gojq.WithFunction("save", 1, 1, folder.save),
		// The command has these, the library has not.
		gojq.WithFunction("debug", 0, 0, func(value any, _ []any) any {
			write(os.Stderr, []any{"DEBUG:", value}, options{compact: true})
			return value
		}),
		gojq.WithFunction("stderr", 0, 0, func(value any, _ []any) any {
			write(os.Stderr, value, options{rawOutput: true, joinOutput: true})
			return value
		}),
	)
}

// argumentsOf is $ARGS, as after `jq --args`.
func argumentsOf(start *runlanev1.Start) map[string]any {
	positional := []any{}
	for _, argument := range start.Args {
		positional = append(positional, argument)
	}
	return map[string]any{"positional": positional, "named": map[string]any{}}
}

// print writes what the program gives until its end or its first error.
func print(results gojq.Iter, asked options) error {
	for value, ok := results.Next(); ok; value, ok = results.Next() {
		if err, failed := value.(error); failed {
			return err
		}
		if err := write(os.Stdout, value, asked); err != nil {
			return err
		}
	}
	return nil
}

// sayLast is the end by halt or halt_error: a text is written as it is, and null is not.
func sayLast(halt *gojq.HaltError) int {
	if text, isText := halt.Value().(string); isText {
		os.Stderr.WriteString(text)
	} else if halt.Value() != nil {
		write(os.Stderr, halt.Value(), options{compact: true})
	}
	return halt.ExitCode()
}

func complain(err error, exitCode int) int {
	fmt.Fprintln(os.Stderr, "jq: error:", err)
	return exitCode
}
