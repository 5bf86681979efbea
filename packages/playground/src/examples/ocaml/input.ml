(* Adds up the numbers in its input. *)
let rec sum total =
  match input_line stdin with
  | line -> sum (total + int_of_string (String.trim line))
  | exception End_of_file -> total

let () = Printf.printf "The sum is %d.\n" (sum 0)
