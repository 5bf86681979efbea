#!/usr/bin/jq -nrf
"data.txt" | load | ascii_upcase | save("out/result.txt") | empty
