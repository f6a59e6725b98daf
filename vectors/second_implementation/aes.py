"""AES-128 from the definitions of FIPS 197: the S-box is computed, not copied."""


def times(a, b):
    """Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1."""
    product = 0
    while b:
        product ^= a * (b & 1)
        a, b = a << 1 ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


def substitute(byte):
    inverse = next((i for i in range(256) if times(byte, i) == 1), 0)
    rotated = [(inverse << n | inverse >> 8 - n) & 0xFF for n in range(5)]
    return rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63


S = [substitute(byte) for byte in range(256)]
INVERSE_S = [S.index(byte) for byte in range(256)]
MIX, INVERSE_MIX = (2, 3, 1, 1), (14, 11, 13, 9)
PRODUCT = {factor: [times(byte, factor) for byte in range(256)] for factor in {*MIX, *INVERSE_MIX}}


def round_keys(key):
    words, constant = [list(key[i:i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [S[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = times(constant, 2)
        words.append([a ^ b for a, b in zip(words[i - 4], word)])
    return [sum(words[i:i + 4], []) for i in range(0, 44, 4)]


def mix(state, factors):
    return [PRODUCT[factors[0]][state[4 * c + r]] ^ PRODUCT[factors[1]][state[4 * c + (r + 1) % 4]]
            ^ PRODUCT[factors[2]][state[4 * c + (r + 2) % 4]] ^ PRODUCT[factors[3]][state[4 * c + (r + 3) % 4]]
            for c in range(4) for r in range(4)]


def shift(state, step):
    """Row r moves r columns to the left (step 1) or right (-1). Byte i is in row i % 4, column i / 4."""
    return [state[(i + 4 * step * (i % 4)) % 16] for i in range(16)]


def add(state, key):
    return [a ^ b for a, b in zip(state, key)]


def aes(key, block, decipher=False):
    keys = round_keys(key)
    if decipher:
        state = add(block, keys[10])
        for number in range(9, -1, -1):
            state = add([INVERSE_S[byte] for byte in shift(state, -1)], keys[number])
            state = mix(state, INVERSE_MIX) if number else state
        return bytes(state)
    state = add(block, keys[0])
    for number in range(1, 11):
        state = shift([S[byte] for byte in state], 1)
        state = add(mix(state, MIX) if number < 10 else state, keys[number])
    return bytes(state)
