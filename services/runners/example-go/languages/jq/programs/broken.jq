#!/usr/bin/jq -nrf
if "then" is missing
