File.write('out/result.txt', File.read('data.txt').upcase)
