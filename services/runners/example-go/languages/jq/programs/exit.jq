#!/usr/bin/jq -nrf
"bye\n" | halt_error(3)
