package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	pb "runlane.dev/clients/go-example/gen/runlane/v1"
)

// How often a broken connection is made anew without anything having arrived, and what is waited before.
const (
	mostFailures = 10
	firstPause   = 100 * time.Millisecond
)

// A run of a program, over as many connections as it takes.
type run struct {
	client pb.ExecutionServiceClient
	stdout io.Writer
	stderr io.Writer
	// The same key makes the same job, however often the program is sent.
	key string
	// Known from the first message on; with the last event's id it says where to go on.
	jobID string
	after string
}

func newRun(client pb.ExecutionServiceClient, stdout, stderr io.Writer) *run {
	return &run{client: client, stdout: stdout, stderr: stderr, key: rand.Text()}
}

// What Run and Watch say, without the difference between them.
type messages func() (*pb.Job, *pb.Event, error)

// Run the program to its end and write its output as it comes. The job that comes back has its result.
func (r *run) follow(ctx context.Context, program *pb.Program) (*pb.Job, error) {
	for failures := 0; ; failures++ {
		before := r.jobID + r.after
		job, err := r.listen(ctx, program)
		if err == nil {
			return job, nil
		}
		if r.jobID+r.after != before {
			failures = 0
		}
		again, wait := retry(err)
		if !again || failures >= mostFailures {
			return nil, err
		}
		select {
		case <-time.After(max(wait, firstPause<<failures)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// One connection's worth of it.
func (r *run) listen(ctx context.Context, program *pb.Program) (*pb.Job, error) {
	next, err := r.open(ctx, program)
	if err != nil {
		return nil, err
	}
	for {
		job, event, err := next()
		if err == io.EOF {
			return nil, fmt.Errorf("the server ended the stream without a result")
		}
		if err != nil {
			return nil, err
		}
		if job != nil {
			r.jobID = job.Id
		} else if done, err := r.take(event); done != nil || err != nil {
			return done, err
		}
	}
}

func (r *run) open(ctx context.Context, program *pb.Program) (messages, error) {
	if r.jobID == "" {
		stream, err := r.client.Run(ctx, &pb.RunRequest{Program: program, IdempotencyKey: r.key})
		return func() (*pb.Job, *pb.Event, error) {
			message, err := stream.Recv()
			return message.GetJob(), message.GetEvent(), err
		}, err
	}
	stream, err := r.client.Watch(ctx, &pb.WatchRequest{JobId: r.jobID, AfterEventId: r.after})
	return func() (*pb.Job, *pb.Event, error) {
		message, err := stream.Recv()
		return nil, message.GetEvent(), err
	}, err
}

// The job, when this event is its result.
func (r *run) take(event *pb.Event) (*pb.Job, error) {
	var err error
	switch what := event.Event.(type) {
	case *pb.Event_Stdout:
		_, err = r.stdout.Write(what.Stdout)
	case *pb.Event_Stderr:
		_, err = r.stderr.Write(what.Stderr)
	case *pb.Event_Gap:
		fmt.Fprintln(r.stderr, "(some output was lost on the way; the job's result holds all of it)")
	case *pb.Event_Result:
		return what.Result, nil
	}
	if event.Id != "" {
		r.after = event.Id
	}
	return nil, err
}
