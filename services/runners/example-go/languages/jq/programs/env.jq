#!/usr/bin/jq -nrf
$ENV.GREETING
