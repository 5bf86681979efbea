local kept = {}
while true do
  kept[#kept + 1] = string.rep("x", 8 * 1024 * 1024)
end
