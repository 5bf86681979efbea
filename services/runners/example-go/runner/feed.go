package runner

import (
	"golang.org/x/sys/unix"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// inputAhead is how many messages of input wait for a program that does not read. A signal behind so many still gets
// through; with more, the caller is made to wait.
const inputAhead = 16

var signals = map[string]unix.Signal{"SIGINT": unix.SIGINT, "SIGTERM": unix.SIGTERM, "SIGKILL": unix.SIGKILL}

// feed passes on what the caller says while the program runs.
func feed(process *process, start *runlanev1.Start, requests <-chan *runlanev1.ExecuteRequest, ended <-chan struct{}) {
	input := make(chan []byte, inputAhead)
	go writeInput(process, input)
	input <- start.Stdin
	open := true
	closeInput := func() {
		if open {
			close(input)
			open = false
		}
	}
	defer closeInput()
	if !start.KeepStdinOpen {
		closeInput()
	}
	for {
		select {
		case <-ended:
			return
		case request, more := <-requests:
			if !more {
				return
			}
			switch message := request.Message.(type) {
			case *runlanev1.ExecuteRequest_Stdin:
				if !open {
					continue
				}
				select {
				case input <- message.Stdin:
				case <-ended:
				}
			case *runlanev1.ExecuteRequest_CloseStdin:
				closeInput()
			case *runlanev1.ExecuteRequest_Signal:
				if number, known := signals[message.Signal.GetName()]; known {
					process.signal(number)
				}
			}
		}
	}
}

// writeInput writes until the input ends. What a program does not take that has ended, or closed its stdin, is taken here
// all the same, so that nobody waits.
func writeInput(process *process, input <-chan []byte) {
	for data := range input {
		process.stdin.Write(data)
	}
	process.stdin.Close()
}
