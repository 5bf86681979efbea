#!/usr/bin/jq -nrf
0 | until(false; . + 1)
