from <- file("stdin", "rb")
to <- pipe("cat", "wb")
while (length(piece <- readBin(from, "raw", 65536)) > 0) writeBin(piece, to)
close(to)
