"""Ciphers by name, paddings, MACs, session keys and diversification (JR/T 0025, FMCOS 2.0 manuals, profile §3.2 and §4).

A cipher is "des" (DES with 8 bytes of key, two-key triple DES with 16), "sm4" or "aes".
"""
from aes import aes
from des import des
from sm4 import sm4

BLOCK = {"des": 8, "sm4": 16, "aes": 16}


def by_byte(algorithm):
    """The cipher an algorithm byte stands for: 04 and 06 are the own ones, all else is DES or triple DES."""
    return {b"\4": "sm4", b"\6": "aes"}.get(algorithm, "des")


def named(v):
    """The cipher of a vector that has no algorithm byte."""
    return v.get("block_cipher", "des")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def one_block(key, block, cipher, decipher=False):
    if cipher == "aes":
        return aes(key, block, decipher)
    if cipher == "sm4":
        return sm4(key, block, decipher)
    if len(key) == 8:
        return des(key, block, decipher)
    first, second = key[:8], key[8:]
    return des(first, des(second, des(first, block, decipher), not decipher), decipher)


def blocks(data, size):
    assert len(data) % size == 0
    return [data[i:i + size] for i in range(0, len(data), size)]


def ecb(key, data, cipher="des", decipher=False):
    return b"".join(one_block(key, block, cipher, decipher) for block in blocks(data, BLOCK[cipher]))


def pad(data, size=8):
    """Method 2, always."""
    return data + b"\x80" + bytes(-(len(data) + 1) % size)


def pad_if_needed(data, size=8):
    return data if len(data) % size == 0 else pad(data, size)


def cbc_mac(key, message, iv, cipher="des"):
    """ISO/IEC 9797-1 algorithm 1, padding method 2; the whole last block."""
    for block in blocks(pad(message, BLOCK[cipher]), BLOCK[cipher]):
        iv = one_block(key, xor(iv, block), cipher)
    return iv


def retail_mac(key, message, iv):
    """ISO/IEC 9797-1 algorithm 3, padding method 2."""
    return des(key[:8], des(key[8:], cbc_mac(key[:8], message, iv), True))


def doubled(block):
    """Times x in GF(2^128) modulo x^128 + x^7 + x^2 + x + 1."""
    number = int.from_bytes(block) << 1
    return (number ^ (1 << 128 | 0x87) if number >> 128 else number).to_bytes(16)


def cmac(key, message):
    """NIST SP 800-38B with AES; the whole last block."""
    whole = doubled(aes(key, bytes(16)))
    *before, last = blocks(message or pad(b"", 16), 16) if len(message) % 16 == 0 else blocks(pad(message, 16), 16)
    is_whole = message and len(message) % 16 == 0
    chained = bytes(16)
    for block in before:
        chained = aes(key, xor(chained, block))
    return aes(key, xor(xor(chained, last), whole if is_whole else doubled(whole)))


def fold(key):
    return xor(key[:8], key[8:])


def transaction_mac(session_key, message, cipher):
    """MAC1, MAC2 and MAC3, by a session key."""
    if cipher == "aes":
        return cmac(session_key, message)[:4]
    return cbc_mac(session_key, message, bytes(BLOCK[cipher]), cipher)[:4]


def tac(key, message, cipher):
    """TAC, and the MAC of RELOAD PIN: by the folded key with triple DES, by the whole key with SM4 and AES."""
    return transaction_mac(fold(key) if cipher == "des" else key, message, cipher)


def line_mac(key, message, challenge, cipher):
    """Line protection. The challenge, zeros behind it, is the IV; with AES it is the block in front of the message."""
    initial = challenge.ljust(BLOCK[cipher], b"\0")
    if cipher == "aes":
        return cmac(key, initial + message)[:4]
    if cipher == "sm4" or len(key) == 8:
        return cbc_mac(key, message, initial, cipher)[:4]
    return retail_mac(key, message, initial)[:4]


def session_key(key, block, cipher):
    """From the 8 bytes of random, sequence and what follows; the ciphers of 16-byte blocks pad them by 80 00…"""
    return one_block(key, pad_if_needed(block, BLOCK[cipher]), cipher)


def diversify(key, factors, cipher="des"):
    for factor in factors:
        key = ecb(key, factor + xor(factor, b"\xff" * 8), cipher)
    return key


def check_value(key, cipher):
    return one_block(key, (b"\1" if cipher == "aes" else b"\0") * BLOCK[cipher], cipher)[:3]


def apdu(header, data, le=b""):
    return header + bytes([len(data)]) + data + le


def lined(plain, cipher):
    """Length byte in front, padded only where needed."""
    return pad_if_needed(bytes([len(plain)]) + plain, BLOCK[cipher])


def protect(key, v, plain, enciphered, cipher):
    """A command under line protection. Lc counts the MAC before it is there."""
    data = ecb(key, lined(plain, cipher), cipher) if enciphered else plain
    head = v["header"] + bytes([len(data) + 4])
    code = line_mac(key, head + data, v["challenge"], cipher)
    return ({"cipher": data} if enciphered else {}) | {"mac": code, "apdu": head + data + code}
