-- The words of a text by how often they are there, and what would differ from machine to machine.
local counts, words = {}, {}
for line in io.lines("/in/text.txt") do
  for word in line:gmatch("%a+") do counts[word] = (counts[word] or 0) + 1 end
end
for word in pairs(counts) do words[#words + 1] = word end
table.sort(words, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
local out = assert(io.open("/outputs/words.txt", "w"))
for _, word in ipairs(words) do out:write(counts[word], " ", word, "\n") end
out:close()
local made = {}
for n = 1, 20000 do made[n] = { n, tostring(n) } end
print(words[1], counts[words[1]], os.time(), os.clock(), math.random(1000000), tostring(made[7]))
print(string.format("%.17g %.17g", math.sin(1e6), 0 / 0))
