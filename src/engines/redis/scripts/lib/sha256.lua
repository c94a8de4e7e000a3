-- SHA-256 (FIPS 180-4) of a string, as 64 lower-case hexadecimal digits; core/sha256.h is the same in C++.
-- Sums are doubles that no step cuts to 32 bits: within a block they stay below 2^47, and the library `bit`, which
-- takes numbers up to 2^51, uses the low 32 bits. A call of it costs ten times what an addition does, so what can be
-- calculated is: not x is -1 - x, and x xor y is x + y - 2 (x and y).
local function sha256_hex(message)
  local band, bxor, ror, rshift, unpack_words = bit.band, bit.bxor, bit.ror, bit.rshift, struct.unpack
  local K = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  }
  local A, B, C, D, E, F, G, H =
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19

  local size = #message
  message = message .. '\128' .. string.rep('\0', (55 - size) % 64)
    .. struct.pack('>II', math.floor(size / 536870912), size * 8 % 4294967296)
  local words = {}
  for at = 1, #message, 64 do
    words[1], words[2], words[3], words[4], words[5], words[6], words[7], words[8], words[9], words[10], words[11],
      words[12], words[13], words[14], words[15], words[16] = unpack_words('>IIIIIIIIIIIIIIII', message, at)
    for i = 17, 64 do
      local x, y = words[i - 15], words[i - 2]
      words[i] = words[i - 16] + words[i - 7] + bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
        + bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    end

    local a, b, c, d, e, f, g, h = A, B, C, D, E, F, G, H
    local both = band(b, c)
    for i = 1, 64 do
      local first = h + K[i] + words[i] + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + band(e, f) + band(-1 - e, g)
      local majority = both
      both = band(a, b)
      -- maj(a, b, c) = (b and c) + (a and (b xor c))
      majority = majority + band(a, b + c - 2 * majority)
      a, b, c, d, e, f, g, h =
        first + bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + majority, a, b, c, d + first, e, f, g
    end
    A, B, C, D = (A + a) % 4294967296, (B + b) % 4294967296, (C + c) % 4294967296, (D + d) % 4294967296
    E, F, G, H = (E + e) % 4294967296, (F + f) % 4294967296, (G + g) % 4294967296, (H + h) % 4294967296
  end
  return string.format('%08x%08x%08x%08x%08x%08x%08x%08x', A, B, C, D, E, F, G, H)
end
