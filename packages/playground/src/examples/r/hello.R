for (name in c("Ada", "Grace", "Margaret")) {
  cat("Hello, ", name, "!\n", sep = "")
}
