# Runs in a terminal: choose "In a terminal" below, then Run. "exit" ends it.
exec bash --norc --noprofile -i
