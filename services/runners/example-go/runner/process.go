package runner

import (
	"errors"
	"os"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// process is a program's process, from before it is told what to run until nothing of it is left.
type process struct {
	folder         string
	command        *exec.Cmd
	order, stdin   *os.File
	stdout, stderr *os.File

	mutex  sync.Mutex
	reaped bool
}

// startProcess starts the process in a folder with these files. It waits for its order: see program.go.
func startProcess(files map[string]*runlanev1.BundleFile) (started *process, err error) {
	folder, err := os.MkdirTemp("", "runlane-run-")
	if err != nil {
		return nil, err
	}
	p := &process{folder: folder}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := writeFiles(folder, files); err != nil {
		return nil, err
	}
	// This very program, whatever lies at its path by now.
	p.command = exec.Command("/proc/self/exe", programArgument)
	p.command.Dir = folder
	// Of the runner's environment it gets nothing; its own is in the order, as it must not reach the runtime of Go.
	p.command.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	// A runner that is killed leaves no program behind.
	p.command.SysProcAttr = &unix.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	theirs, err := p.openPipes()
	// Ours would keep the streams open after the program's end.
	defer closeAll(theirs)
	if err != nil {
		return nil, err
	}
	p.command.Stdin, p.command.Stdout, p.command.Stderr = theirs[0], theirs[1], theirs[2]
	p.command.ExtraFiles = theirs[3:]
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// openPipes opens our ends and returns those of the process: stdin, stdout, stderr, order.
func (p *process) openPipes() (theirs []*os.File, err error) {
	for _, end := range []struct {
		ours     **os.File
		theyRead bool
	}{{&p.stdin, true}, {&p.stdout, false}, {&p.stderr, false}, {&p.order, true}} {
		read, write, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		if end.theyRead {
			read, write = write, read
		}
		*end.ours = read
		theirs = append(theirs, write)
	}
	return theirs, nil
}

// signal sends a signal to the process and to all in its group.
func (p *process) signal(number unix.Signal) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	// Once it is reaped, its id may be somebody else's.
	if !p.reaped {
		unix.Kill(-p.command.Process.Pid, number)
	}
}

// wait waits until the process has ended, and kills what it has left behind in its group.
func (p *process) wait() *os.ProcessState {
	for {
		err := unix.Waitid(unix.P_PID, p.command.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.signal(unix.SIGKILL)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.reaped {
		p.command.Wait()
		p.reaped = true
	}
	return p.command.ProcessState
}

// end kills what still lives, and removes all.
func (p *process) end() {
	p.signal(unix.SIGKILL)
	p.wait()
	p.close()
}

func (p *process) close() {
	closeAll([]*os.File{p.order, p.stdin, p.stdout, p.stderr})
	os.RemoveAll(p.folder)
}

func closeAll(files []*os.File) {
	for _, file := range files {
		if file != nil {
			file.Close()
		}
	}
}
