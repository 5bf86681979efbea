for (tick in 1:5) {
  if (tick > 1) Sys.sleep(0.1)
  cat(paste0("tick ", tick, "\n"))
  flush(stdout())
}
