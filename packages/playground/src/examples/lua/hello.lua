for _, name in ipairs({ "Ada", "Grace", "Margaret" }) do
  print("Hello, " .. name .. "!")
end
