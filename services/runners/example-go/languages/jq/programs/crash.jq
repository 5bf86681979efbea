#!/usr/bin/jq -nrf
"before", error("nobody catches this")
