let () = List.iter (Printf.printf "Hello, %s!\n") [ "Ada"; "Grace"; "Margaret" ]
