# The three longest words of its input.
tr -s '[:space:]' '\n' | awk '{ print length, $0 }' | sort -rn | head -3
