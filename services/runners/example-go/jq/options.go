package jq

import (
	"fmt"
	"strings"
)

// options are those of the command jq that a program may ask for.
type options struct {
	nullInput, rawInput, slurp     bool
	compact, rawOutput, joinOutput bool
}

// optionsOf reads them where a program that is a file keeps them, in its first line: "#!/usr/bin/jq -nrf".
func optionsOf(source string) (asked options, err error) {
	line, _, _ := strings.Cut(source, "\n")
	if !strings.HasPrefix(line, "#!") {
		return asked, nil
	}
	for _, word := range strings.Fields(line)[1:] {
		letters, isOption := strings.CutPrefix(word, "-")
		if !isOption {
			continue
		}
		for _, letter := range letters {
			switch letter {
			case 'n':
				asked.nullInput = true
			case 'R':
				asked.rawInput = true
			case 's':
				asked.slurp = true
			case 'c':
				asked.compact = true
			case 'r':
				asked.rawOutput = true
			case 'j':
				asked.rawOutput, asked.joinOutput = true, true
			case 'f':
				// Says that the program is in a file, which it is.
			default:
				return asked, fmt.Errorf("the option -%c is not known here: n, R, s, c, r, j and f are", letter)
			}
		}
	}
	return asked, nil
}
