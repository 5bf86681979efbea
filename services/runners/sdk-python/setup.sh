#!/bin/sh
# Makes a virtual environment with what the runner needs, the stubs of the contract too: setup.sh [FOLDER], by default .venv
set -eu
cd "$(dirname "$0")"
venv=${1:-.venv}
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
"$venv/bin/python" -m grpc_tools.protoc --proto_path=../../../proto --python_out="$packages" --grpc_python_out="$packages" \
  runlane/v1/types.proto runlane/v1/runner.proto
