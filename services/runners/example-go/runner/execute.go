package runner

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

// goWithin is how long a slot is held for a caller who does not say go.
const goWithin = 5 * time.Second

type conversation = grpc.BidiStreamingServer[runlanev1.ExecuteRequest, runlanev1.ExecuteResponse]

// say tells the caller something; it may be called by several goroutines, which Send of a stream may not.
type say func(*runlanev1.ExecuteResponse) error

// Execute is a run from start to exited.
func (s *service) Execute(stream conversation) error {
	requests := receive(stream)
	start, language, files, err := s.plan(<-requests)
	if err != nil {
		return err
	}
	start.Limits, err = language.limitsOf(start.Limits)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	var sending sync.Mutex
	say := func(response *runlanev1.ExecuteResponse) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(response)
	}
	exited, err := s.runInSlot(stream.Context(), start, files, requests, say)
	if err != nil {
		return err
	}
	// Only now: who reads exited may count on the slot, and on nothing being left.
	return say(&runlanev1.ExecuteResponse{Message: &runlanev1.ExecuteResponse_Exited{Exited: exited}})
}

// plan checks the first request, before anything is made for it. Limits are left as they were asked for.
func (s *service) plan(request *runlanev1.ExecuteRequest) (*runlanev1.Start, *Language, map[string]*runlanev1.BundleFile, error) {
	start := proto.CloneOf(request.GetStart())
	if start == nil {
		return nil, nil, nil, status.Error(codes.InvalidArgument, "the first message must be start")
	}
	language, err := s.language(start.Language, start.Version)
	if err != nil {
		return nil, nil, nil, err
	}
	// Before it is looked for: an entry that may not be is wrong whatever the artifact.
	if err := checkPath(start.Entry); err != nil {
		return nil, nil, nil, status.Error(codes.InvalidArgument, err.Error())
	}
	content, held := s.artifacts.get(start.ArtifactDigest)
	if !held {
		return nil, nil, nil, status.Error(codes.FailedPrecondition, "this artifact is not held here: upload it")
	}
	files, err := filesWith(start.Entry, content)
	if err == nil {
		files, err = withRunFiles(files, start.Files)
	}
	if err != nil {
		return nil, nil, nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return start, language, files, nil
}

// runInSlot runs a program; when it returns, however that is, nothing of the run is left and the slot is free.
func (s *service) runInSlot(
	ctx context.Context, start *runlanev1.Start, files map[string]*runlanev1.BundleFile, requests <-chan *runlanev1.ExecuteRequest, say say,
) (*runlanev1.Exited, error) {
	if !s.slots.take() {
		return nil, status.Errorf(codes.ResourceExhausted, "all %d slots are taken", s.slots.all)
	}
	defer s.slots.give()
	process, err := startProcess(files)
	if err != nil {
		return nil, status.Errorf(codes.Unavailable, "no process can be made ready: %v", err)
	}
	defer process.end()
	if err := say(&runlanev1.ExecuteResponse{Message: &runlanev1.ExecuteResponse_Admitted{Admitted: &runlanev1.Admitted{}}}); err != nil {
		return nil, err
	}
	if err := waitForGo(ctx, requests); err != nil {
		return nil, err
	}
	run := &run{process: process, start: start, say: say}
	return run.toTheEnd(ctx, requests)
}

func waitForGo(ctx context.Context, requests <-chan *runlanev1.ExecuteRequest) error {
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-time.After(goWithin):
		return status.Errorf(codes.DeadlineExceeded, "no go within %s: the slot is free again", goWithin)
	case request := <-requests:
		if request.GetGo() == nil {
			return status.Error(codes.InvalidArgument, "go must come after start")
		}
		return nil
	}
}

// receive passes on what the caller says; the channel is closed when the caller has said all, or is gone.
func receive(stream conversation) <-chan *runlanev1.ExecuteRequest {
	requests := make(chan *runlanev1.ExecuteRequest)
	go func() {
		defer close(requests)
		for {
			request, err := stream.Recv()
			if err != nil {
				return
			}
			select {
			case requests <- request:
			case <-stream.Context().Done():
				return
			}
		}
	}()
	return requests
}
