cat("never\n"
