"""The messages of the contract (proto/runlane/v1), made when the package is built: execution_pb2 and types_pb2."""
