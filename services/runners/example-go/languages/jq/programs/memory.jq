#!/usr/bin/jq -nrf
[range(infinite)]
