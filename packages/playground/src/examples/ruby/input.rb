# Counts the words of its input.
$stdin.read.downcase.split.tally.sort_by { |word, count| [-count, word] }.each do |word, count|
  puts format('%3d %s', count, word)
end
