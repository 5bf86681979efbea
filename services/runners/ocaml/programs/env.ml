let () = print_endline (Sys.getenv "GREETING")
