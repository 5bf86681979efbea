for tick in 1 2 3 4 5; do
  ((tick == 1)) || sleep 0.1
  echo "tick $tick"
done
