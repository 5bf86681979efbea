package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Whether the same call may succeed later, and after how long. The server says so; where nobody of ours answered, the way to it
// is broken.
func retry(err error) (bool, time.Duration) {
	ours := false
	for _, detail := range status.Convert(err).Details() {
		switch what := detail.(type) {
		case *errdetails.RetryInfo:
			return true, what.RetryDelay.AsDuration()
		case *errdetails.ErrorInfo:
			ours = true
		}
	}
	return !ours && status.Code(err) == codes.Unavailable, 0
}

// The error in the server's words: its stable code, and every bad field.
func explain(err error) string {
	code, fields := "", ""
	for _, detail := range status.Convert(err).Details() {
		switch what := detail.(type) {
		case *errdetails.ErrorInfo:
			code = what.Reason
		case *errdetails.BadRequest:
			for _, bad := range what.FieldViolations {
				fields += fmt.Sprintf("\n  %s: %s", bad.Field, bad.Description)
			}
		}
	}
	if fields != "" {
		return code + fields
	}
	return strings.TrimPrefix(fmt.Sprintf("%s: %s", code, status.Convert(err).Message()), ": ")
}
