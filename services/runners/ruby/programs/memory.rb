kept = []
loop { kept << 'x' * (8 * 1024 * 1024) }
