-- Adds up the numbers in its input.
local sum = 0
for line in io.lines() do
  sum = sum + (tonumber(line) or 0)
end
print("The sum is " .. sum .. ".")
