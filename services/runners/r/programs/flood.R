line <- paste0(strrep("x", 63), "\n")
repeat cat(line)
