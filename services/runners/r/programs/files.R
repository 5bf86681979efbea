text <- readChar("data.txt", file.size("data.txt"), useBytes = TRUE)
cat(toupper(text), file = "out/result.txt")
