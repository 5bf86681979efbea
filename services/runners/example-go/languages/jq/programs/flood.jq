#!/usr/bin/jq -nrf
repeat("x" * 80)
