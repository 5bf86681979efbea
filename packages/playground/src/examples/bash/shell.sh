# A shell in a terminal. "exit" ends it.
exec bash --norc --noprofile -i
