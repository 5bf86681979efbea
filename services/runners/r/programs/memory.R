kept <- list()
repeat kept[[length(kept) + 1]] <- numeric(1024 * 1024) + 1
