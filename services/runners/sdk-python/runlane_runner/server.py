"""The gRPC server: the runner's own service, the standard health service, and reflection."""

import asyncio
import signal
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from runlane.v1 import runner_pb2, runner_pb2_grpc

from .language import Language
from .service import RunnerService

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
GRACE_S = 10


async def serve(languages: Sequence[Language], address: str, slots: int) -> None:
    """Serve at `host:port` or `unix:/path` until SIGTERM or SIGINT; what runs then may end within ten seconds."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)])
    runner_pb2_grpc.add_RunnerServiceServicer_to_server(RunnerService(languages, slots), server)
    name = runner_pb2.DESCRIPTOR.services_by_name["RunnerService"].full_name
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    for service in ("", name):
        await healthy.set(service, health_pb2.HealthCheckResponse.SERVING)
    reflection.enable_server_reflection((name, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = server.add_insecure_port(address)
    await server.start()
    print(f"serves at {address if address.startswith('unix:') else address.rpartition(':')[0] + f':{port}'}", flush=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await stopping.wait()
    await healthy.enter_graceful_shutdown()
    await server.stop(GRACE_S)
