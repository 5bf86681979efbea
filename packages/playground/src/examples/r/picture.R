# What a program writes into the folder "out" comes back.
dir.create("out", showWarnings = FALSE)
svg("out/waves.svg", width = 6, height = 4)
x <- seq(0, 4 * pi, length.out = 400)
plot(x, sin(x), type = "l", col = "#0f6b4f", lwd = 3, ylab = "", main = "Two waves")
lines(x, sin(2 * x) / 2, col = "#1b56ab", lwd = 2)
invisible(dev.off())
cat("waves.svg is drawn.\n")
