let rec grow kept = grow (Bytes.make (8 * 1024 * 1024) 'x' :: kept)
let () = grow []
