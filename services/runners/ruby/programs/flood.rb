loop { puts 'x' * 63 }
