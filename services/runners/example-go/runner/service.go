package runner

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

const artifactChunkBytes = 64 << 10

// service is the RunnerService of runner.proto: it translates, calls what does the work, translates back. What it has to
// say about runs is in execute.go.
type service struct {
	runlanev1.UnimplementedRunnerServiceServer
	languages []*Language
	slots     *slots
	artifacts *artifacts
}

func newService(languages []*Language, all int) *service {
	return &service{languages: languages, slots: &slots{all: all, free: all}, artifacts: newArtifacts()}
}

func (s *service) Describe(context.Context, *runlanev1.DescribeRequest) (*runlanev1.DescribeResponse, error) {
	described := &runlanev1.DescribeResponse{
		Slots:     uint32(s.slots.all),
		FreeSlots: uint32(s.slots.count()),
		Isolation: isolation,
		Platform:  platform(),
	}
	for _, language := range s.languages {
		described.Languages = append(described.Languages, language.describe())
	}
	return described, nil
}

// Prepare only keeps the sources. A language that compiles would do it here: in a process of its own, as a run is, and
// answer with the bundle that the compiler made.
func (s *service) Prepare(_ context.Context, request *runlanev1.PrepareRequest) (*runlanev1.PrepareResponse, error) {
	if _, err := s.language(request.Language, request.Version); err != nil {
		return nil, err
	}
	if _, err := filesWith(request.Entry, request.Bundle); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &runlanev1.PrepareResponse{ArtifactDigest: s.artifacts.put(request.Bundle)}, nil
}

func (s *service) FindMissing(_ context.Context, request *runlanev1.FindMissingRequest) (*runlanev1.FindMissingResponse, error) {
	missing := &runlanev1.FindMissingResponse{}
	for _, digest := range request.Digests {
		if _, held := s.artifacts.get(digest); !held {
			missing.Digests = append(missing.Digests, digest)
		}
	}
	return missing, nil
}

func (s *service) Upload(stream grpc.ClientStreamingServer[runlanev1.UploadRequest, runlanev1.UploadResponse]) error {
	var digest string
	var content []byte
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if said := request.GetDigest(); said != "" {
			digest = said
		}
		if content = append(content, request.GetChunk()...); len(content) > maxArtifactBytes {
			return status.Errorf(codes.InvalidArgument, "the artifact is longer than %d bytes", maxArtifactBytes)
		}
	}
	if digestOf(content) != digest {
		return status.Error(codes.InvalidArgument, "the bytes do not have this digest")
	}
	s.artifacts.put(content)
	return stream.SendAndClose(&runlanev1.UploadResponse{})
}

func (s *service) Download(request *runlanev1.DownloadRequest, stream grpc.ServerStreamingServer[runlanev1.DownloadResponse]) error {
	content, held := s.artifacts.get(request.Digest)
	if !held {
		return status.Error(codes.NotFound, "no such artifact is held here")
	}
	for len(content) > 0 {
		size := min(len(content), artifactChunkBytes)
		if err := stream.Send(&runlanev1.DownloadResponse{Chunk: content[:size]}); err != nil {
			return err
		}
		content = content[size:]
	}
	return nil
}

func (s *service) language(name, version string) (*Language, error) {
	for _, language := range s.languages {
		if language.isCalled(name, version) {
			return language, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no language %.64q %.64q here", name, version)
}
