#!/usr/bin/jq -nrf
$ARGS.positional[]
