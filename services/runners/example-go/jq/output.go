package jq

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/itchyny/gojq"
)

// write writes a value at once: somebody may watch the program run.
func write(to io.Writer, value any, asked options) error {
	text, err := encode(value, asked)
	if err != nil {
		return err
	}
	if !asked.joinOutput {
		text = append(text, '\n')
	}
	_, err = to.Write(text)
	return err
}

func encode(value any, asked options) ([]byte, error) {
	if text, isText := value.(string); isText && asked.rawOutput {
		return []byte(text), nil
	}
	compact, err := gojq.Marshal(value)
	if err != nil || asked.compact || asked.joinOutput {
		return compact, err
	}
	var indented bytes.Buffer
	err = json.Indent(&indented, compact, "", "  ")
	return indented.Bytes(), err
}
