let () =
  let from = open_in "data.txt" in
  let text = really_input_string from (in_channel_length from) in
  let result = open_out "out/result.txt" in
  output_string result (String.uppercase_ascii text);
  close_out result
