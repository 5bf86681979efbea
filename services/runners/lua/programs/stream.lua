for tick = 1, 5 do
  -- Lua itself cannot sleep.
  if tick > 1 then os.execute("sleep 0.1") end
  print("tick " .. tick)
  io.flush()
end
