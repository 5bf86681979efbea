$stdout.sync = true
(1..5).each do |tick|
  sleep 0.1 if tick > 1
  puts "tick #{tick}"
end
