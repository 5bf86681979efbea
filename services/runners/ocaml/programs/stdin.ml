let piece = Bytes.create 4096

let rec copy () =
  let length = input stdin piece 0 (Bytes.length piece) in
  if length > 0 then (
    output stdout piece 0 length;
    copy ())

let () = copy ()
