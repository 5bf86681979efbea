let () = Array.iteri (fun at argument -> if at > 0 then print_endline argument) Sys.argv
