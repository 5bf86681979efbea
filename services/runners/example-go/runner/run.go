package runner

import (
	"bytes"
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

const (
	outputChunkBytes = 32 << 10
	lookEvery        = 10 * time.Millisecond
)

// run is what happens between go and exited.
type run struct {
	process *process
	start   *runlanev1.Start
	say     say

	mutex  sync.Mutex
	reason runlanev1.EndReason
	usage  usage
}

// toTheEnd tells of everything but exited, which it returns.
func (r *run) toTheEnd(ctx context.Context, requests <-chan *runlanev1.ExecuteRequest) (*runlanev1.Exited, error) {
	if err := r.say(&runlanev1.ExecuteResponse{Message: &runlanev1.ExecuteResponse_Started{Started: &runlanev1.Started{}}}); err != nil {
		return nil, err
	}
	// The caller left, or its connection broke.
	defer context.AfterFunc(ctx, func() { r.process.signal(unix.SIGKILL) })()
	began := time.Now()
	ended := make(chan struct{})
	go r.giveOrder()
	go r.watch(ended)
	go feed(r.process, r.start, requests, ended)

	var reading sync.WaitGroup
	var stdoutTruncated, stderrTruncated bool
	reading.Go(func() { stdoutTruncated = r.passOn(runlanev1.Stream_STREAM_STDOUT, r.process.stdout) })
	reading.Go(func() { stderrTruncated = r.passOn(runlanev1.Stream_STREAM_STDERR, r.process.stderr) })
	state := r.process.wait()
	took := time.Since(began)
	close(ended)
	reading.Wait()

	omitted, err := r.sendProduced()
	if err != nil {
		return nil, err
	}
	exited := r.verdict(state)
	exited.WallTimeMs = uint32(took.Milliseconds())
	exited.StdoutTruncated, exited.StderrTruncated = stdoutTruncated, stderrTruncated
	exited.FilesOmitted = omitted
	return exited, ctx.Err()
}

// giveOrder tells the process what to run, which starts the program.
func (r *run) giveOrder() {
	order := proto.CloneOf(r.start)
	order.Stdin, order.Files = nil, nil
	content, err := proto.Marshal(order)
	if err == nil {
		// A process that is dead by now is seen elsewhere.
		r.process.order.Write(content)
	}
	r.process.order.Close()
}

// passOn tells of a stream until its end or its limit, and says whether that cut it.
func (r *run) passOn(stream runlanev1.Stream, from *os.File) (truncated bool) {
	buffer := make([]byte, outputChunkBytes)
	left := r.start.Limits.GetOutputBytes()
	for {
		size, err := from.Read(buffer)
		kept := min(uint64(size), left)
		left -= kept
		if kept > 0 {
			// A copy: a message must not change once it was sent.
			output := &runlanev1.Output{Stream: stream, Data: bytes.Clone(buffer[:kept])}
			// When it fails, the caller is gone: the run is killed for that, and what comes until then is thrown away.
			r.say(&runlanev1.ExecuteResponse{Message: &runlanev1.ExecuteResponse_Output{Output: output}})
		}
		if uint64(size) > kept {
			truncated = true
			r.kill(runlanev1.EndReason_END_REASON_OUTPUT)
		}
		if err != nil {
			return truncated
		}
	}
}

// watch ends the program when it has used up what it may.
func (r *run) watch(ended <-chan struct{}) {
	limits := r.start.Limits
	wallTime := time.After(time.Duration(limits.GetWallTimeMs()) * time.Millisecond)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		usage := r.measure()
		switch {
		case usage.cpuMs >= limits.GetCpuTimeMs():
			r.kill(runlanev1.EndReason_END_REASON_CPU_TIME)
		case usage.peakBytes > limits.GetMemoryBytes():
			r.kill(runlanev1.EndReason_END_REASON_MEMORY)
		}
		select {
		case <-ended:
			return
		case <-wallTime:
			r.kill(runlanev1.EndReason_END_REASON_WALL_TIME)
		case <-look.C:
		}
	}
}

func (r *run) measure() usage {
	now, err := usageOf(r.process.command.Process.Pid)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	// What ends just now has no numbers any more; the last ones stay.
	if err == nil && now.peakBytes > 0 {
		r.usage = now
	}
	return r.usage
}

// kill ends the program for a reason; the first one counts.
func (r *run) kill(reason runlanev1.EndReason) {
	r.mutex.Lock()
	if r.reason == runlanev1.EndReason_END_REASON_UNSPECIFIED {
		r.reason = reason
	}
	r.mutex.Unlock()
	r.process.signal(unix.SIGKILL)
}

func (r *run) verdict(state *os.ProcessState) *runlanev1.Exited {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	exited := &runlanev1.Exited{
		Reason:          r.reason,
		CpuTimeMs:       uint32((state.UserTime() + state.SystemTime()).Milliseconds()),
		MemoryPeakBytes: r.usage.peakBytes,
		Isolation:       isolation.Summary,
	}
	how := state.Sys().(syscall.WaitStatus)
	if how.Signaled() {
		exited.Signal = proto.String(unix.SignalName(how.Signal()))
	} else {
		exited.ExitCode = proto.Int32(int32(how.ExitStatus()))
	}
	// It ended by itself before the signal reached it. Of its output too much is there all the same.
	inTime := !how.Signaled() && r.reason != runlanev1.EndReason_END_REASON_OUTPUT
	if inTime || r.reason == runlanev1.EndReason_END_REASON_UNSPECIFIED {
		exited.Reason = runlanev1.EndReason_END_REASON_EXITED
	}
	return exited
}
