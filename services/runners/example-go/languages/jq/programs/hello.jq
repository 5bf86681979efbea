#!/usr/bin/jq -nrf
"Hello, World!"
