// Runs a program on Runlane and prints its output as it comes: an example of a client made of nothing but the contract.
//
//	client [-server host:port] [-language name] [-stdin text] FILE [ARGUMENT...]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "runlane.dev/clients/go-example/gen/runlane/v1"
)

// Of the exit codes that shells give to commands, one that programs seldom use themselves: the program could not be run.
const notRun = 125

func main() {
	code, err := command()
	if err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		code = notRun
	}
	os.Exit(code)
}

func command() (int, error) {
	server := flag.String("server", "localhost:50051", "address of the gRPC door")
	language := flag.String("language", "python", "name or alias of the language")
	stdin := flag.String("stdin", "", "what the program reads")
	flag.Parse()
	code, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		return 0, err
	}
	connection, err := grpc.NewClient(*server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0, err
	}
	defer connection.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	run := newRun(pb.NewExecutionServiceClient(connection), os.Stdout, os.Stderr)
	job, err := run.follow(ctx, &pb.Program{
		Language: *language,
		Code:     string(code),
		Stdin:    []byte(*stdin),
		Args:     flag.Args()[1:],
	})
	if err != nil {
		return 0, err
	}
	return exitCode(job), nil
}

// The program's own exit code; where it has none, why.
func exitCode(job *pb.Job) int {
	if result := job.GetResult(); result.ExitCode != nil {
		return int(result.GetExitCode())
	}
	fmt.Fprintf(os.Stderr, "%v: %s\n", job.Status, job.GetResult().GetMessage())
	return notRun
}
