printf '%s\n' "$GREETING"
