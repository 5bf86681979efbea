package runner

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

const (
	maxMessageBytes = 16 << 20
	grace           = 10 * time.Second
)

// serve serves until SIGTERM or SIGINT; what runs then may end within the grace.
func serve(service *service, address string) error {
	listener, err := listen(address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessageBytes),
		// Workers ping every 10 s to find out about a frozen runner; by default a server in Go hangs up on who asks so often.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		// And this finds out about a frozen worker, or one whose machine is gone, so that its runs end.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		// Nothing of a run may be left when this process ends.
		grpc.WaitForHandlers(true),
	)
	runlanev1.RegisterRunnerServiceServer(server, service)
	healthy := health.NewServer()
	healthv1.RegisterHealthServer(server, healthy)
	healthy.SetServingStatus(runlanev1.RunnerService_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	reflection.Register(server)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	go func() {
		<-signals
		healthy.Shutdown()
		service.slots.close()
		// Not GracefulStop: a worker watches our health for as long as it lives, so that would never end.
		for end := time.Now().Add(grace); service.slots.count() < service.slots.all && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		server.Stop()
	}()
	fmt.Printf("serves at %s\n", nameOf(listener))
	return server.Serve(listener)
}

func listen(address string) (net.Listener, error) {
	path, isUnix := strings.CutPrefix(address, "unix:")
	if !isUnix {
		return net.Listen("tcp", address)
	}
	// What a killed predecessor left would be in the way.
	if found, err := os.Lstat(path); err == nil && found.Mode().Type() == os.ModeSocket {
		os.Remove(path)
	}
	return net.Listen("unix", path)
}

func nameOf(listener net.Listener) string {
	if listener.Addr().Network() == "unix" {
		return "unix:" + listener.Addr().String()
	}
	return listener.Addr().String()
}
