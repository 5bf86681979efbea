%w[Ada Grace Margaret].each { |name| puts "Hello, #{name}!" }
