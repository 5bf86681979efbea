-- SQL itself reads no standard input; the shell that runs it can pass it on.
.shell cat
