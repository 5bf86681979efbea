def never
  puts 'never'
