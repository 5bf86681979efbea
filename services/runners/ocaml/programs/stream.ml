let () =
  for tick = 1 to 5 do
    if tick > 1 then Unix.sleepf 0.1;
    Printf.printf "tick %d\n%!" tick
  done
