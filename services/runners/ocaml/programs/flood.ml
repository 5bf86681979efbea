let line = String.make 63 'x'

let () =
  while true do
    print_string line;
    print_char '\n'
  done
