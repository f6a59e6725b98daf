"""SM4 from GB/T 32907-2016."""

S = bytes.fromhex("""
    D690E9FECCE13DB716B614C228FB2C05 2B679A762ABE04C3AA44132649860699 9C4250F491EF987A33540B43EDCFAC62
    E4B31CA9C908E89580DF94FA758F3FA6 4707A7FCF37317BA83593C19E6854FA8 686B81B27164DA8BF8EB0F4B70569D35
    1E240E5E6358D1A225227C3B01217887 D40046579FD327524C3602E7A0C4C89E EABF8AD240C738B5A3F7F2CEF96115A1
    E0AE5DA49B341A55AD933230F58CB1E3 1DF6E22E8266CA60C02923AB0D534E6F D5DB3745DEFD8E2F03FF6A726D6C5B51
    8D1BAF92BBDDBC7F11D95C411F105AD8 0AC13188A5CD7BBD2D74D012B8E5B4B0 8969974A0C96777E65B9F109C56EC684
    18F07DEC3ADC4D2079EE5F3ED7CB3948""")
FK = [0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC]
CK = [int.from_bytes(bytes((4 * i + j) * 7 % 256 for j in range(4))) for i in range(32)]


def rotate(word, by):
    return (word << by | word >> 32 - by) & 0xFFFFFFFF


def substitute(word):
    return int.from_bytes(bytes(S[byte] for byte in word.to_bytes(4)))


def words(block):
    return [int.from_bytes(block[i:i + 4]) for i in range(0, 16, 4)]


def round_keys(key):
    state, keys = [a ^ b for a, b in zip(words(key), FK)], []
    for constant in CK:
        mixed = substitute(state[1] ^ state[2] ^ state[3] ^ constant)
        keys.append(state[0] ^ mixed ^ rotate(mixed, 13) ^ rotate(mixed, 23))
        state = state[1:] + keys[-1:]
    return keys


def sm4(key, block, decipher=False):
    state, keys = words(block), round_keys(key)
    for round_key in reversed(keys) if decipher else keys:
        mixed = substitute(state[1] ^ state[2] ^ state[3] ^ round_key)
        linear = mixed ^ rotate(mixed, 2) ^ rotate(mixed, 10) ^ rotate(mixed, 18) ^ rotate(mixed, 24)
        state = state[1:] + [state[0] ^ linear]
    return b"".join(word.to_bytes(4) for word in reversed(state))
