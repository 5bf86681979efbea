This bracket is never closed
[
