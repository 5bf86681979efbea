"""How a client reaches the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc

# A result holds what a program wrote, and in test mode what it wrote in each case.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
OPTIONS: Mapping[str, Any] = {
    "grpc.primary_user_agent": "runlane-python",
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    # A watch may be silent for long: this tells a silent program from a connection that is gone.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.http2.max_pings_without_data": 0,
    # The usual two minutes would make a client's own retries fail without a look at the network.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2_000,
}


def open_channel(
    module: Any, target: str, tls: bool | grpc.ChannelCredentials, options: Mapping[str, Any] | None
) -> Any:
    """A channel of `grpc` or of `grpc.aio`; both are opened alike."""
    merged = list({**OPTIONS, **(options or {})}.items())
    if tls is False:
        return module.insecure_channel(target, options=merged)
    credentials = grpc.ssl_channel_credentials() if tls is True else tls
    return module.secure_channel(target, credentials, options=merged)


def metadata_for(api_key: str | None) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {api_key}"),) if api_key else ()
