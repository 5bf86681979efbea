# Press Run, or Ctrl+Enter.
for name in Ada Grace Margaret; do
  echo "Hello, $name!"
  sleep 0.3
done
