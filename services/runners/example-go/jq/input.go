package jq

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/itchyny/gojq"
)

// inputs are the values of standard input, one by one; an error is one of them, the last.
type inputs struct {
	next func() (any, error)
	done bool
}

func (i *inputs) Next() (any, bool) {
	if i.done {
		return nil, false
	}
	value, err := i.next()
	if err == nil {
		return value, true
	}
	i.done = true
	if errors.Is(err, io.EOF) {
		return nil, false
	}
	return fmt.Errorf("in the input: %w", err), true
}

func newInputs(reader io.Reader, asked options) gojq.Iter {
	switch {
	case asked.rawInput && asked.slurp:
		return once(func() (any, error) {
			content, err := io.ReadAll(reader)
			return string(content), err
		})
	case asked.rawInput:
		return &inputs{next: lines(reader)}
	case asked.slurp:
		return once(func() (any, error) { return slurped(&inputs{next: values(reader)}) })
	}
	return &inputs{next: values(reader)}
}

// lines gives each line without its end. What is no UTF-8 stays as it is.
func lines(reader io.Reader) func() (any, error) {
	buffered := bufio.NewReader(reader)
	return func() (any, error) {
		line, err := buffered.ReadString('\n')
		if line != "" && errors.Is(err, io.EOF) {
			err = nil
		}
		return strings.TrimSuffix(line, "\n"), err
	}
}

func values(reader io.Reader) func() (any, error) {
	decoder := json.NewDecoder(reader)
	// Large numbers keep their digits.
	decoder.UseNumber()
	return func() (value any, err error) {
		err = decoder.Decode(&value)
		return value, err
	}
}

func slurped(each gojq.Iter) (any, error) {
	all := []any{}
	for value, ok := each.Next(); ok; value, ok = each.Next() {
		if err, failed := value.(error); failed {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

// once gives one value, also where the input is empty.
func once(read func() (any, error)) *inputs {
	only := &inputs{}
	only.next = func() (any, error) {
		only.next = func() (any, error) { return nil, io.EOF }
		return read()
	}
	return only
}
