#!/usr/bin/jq -Rsjf
.
