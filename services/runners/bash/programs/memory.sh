printf -v piece '%*s' $((8 * 1024 * 1024)) ''
kept=()
while :; do
  kept+=("$piece")
done
