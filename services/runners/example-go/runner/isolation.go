package runner

import runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"

// isolation is what keeps programs apart here, and what does not. Each result carries its summary, so it must not flatter.
var isolation = &runlanev1.Isolation{
	Driver:  "process",
	Summary: "process:interpreter+rlimit",
	Layers: []*runlanev1.IsolationLayer{
		{Name: "interpreter", Holds: true, Detail: "the language opens no file outside of its folder, no socket, and starts no process"},
		{Name: "process", Holds: true, Detail: "a process and a session of its own, killed with its group"},
		{Name: "rlimit", Holds: true, Detail: "file size, open files, core; time and memory are looked at every 10 ms"},
		{Name: "namespaces", Holds: false, Detail: "none: the process has the user, the files and the network of the runner"},
		{Name: "seccomp", Holds: false, Detail: "none: whoever breaks the interpreter has every system call"},
	},
}
