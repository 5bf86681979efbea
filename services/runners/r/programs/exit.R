message("bye")
quit(status = 3)
