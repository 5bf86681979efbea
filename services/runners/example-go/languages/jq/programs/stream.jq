#!/usr/bin/jq -nrf
# The language cannot sleep: it looks at the clock until it is time.
def wait($seconds): (now + $seconds) as $end | until(now >= $end; .);

range(1; 6) | if . > 1 then wait(0.1) end | "tick \(.)"
