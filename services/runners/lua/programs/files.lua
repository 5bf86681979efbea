local from <close> = assert(io.open("data.txt"))
local to <close> = assert(io.open("out/result.txt", "w"))
to:write(from:read("a"):upper())
