"""What the second implementation makes: kind, name and inputs of every vector. Keys are SHA-256 of a label."""
import hashlib


SERIAL, ENTERPRISE, REGION = map(bytes.fromhex, ("3201234567890120", "9876543210012345", "0000000000320100"))
# In the order they are applied.
FACTORS = [REGION, ENTERPRISE, SERIAL]


def draw(label, length=16):
    return hashlib.sha256(f"one card vectors: {label}".encode()).digest()[:length]


def orders():
    """Kind, name and inputs of every vector."""
    key, h = draw, bytes.fromhex
    for direction in "encipher", "decipher":
        for length in 8, 16:
            name = f"{direction}, {length}-byte key"
            yield "ecb", name, {"key": key(name, length), "direction": direction, "input": draw(f"{name} input", 24)}
    for method, length in ("cbc", 8), ("retail", 16):
        for size in 0, 5, 7, 8, 15, 16:
            name = f"{method} MAC of {size} bytes"
            yield "mac", name, {"method": method, "key": key(name, length), "iv": draw(f"{name} IV", 8),
                                "data": draw(f"{name} data", size)}
    for level, used in (1, [SERIAL]), (2, [ENTERPRISE, SERIAL]), (3, FACTORS):
        yield "diversify", f"{level} levels", {"key": key(f"diversify {level}"), "factors": used}
    for length in 8, 16:
        yield "key_check_value", f"{length}-byte key", {"key": key(f"check value {length}", length)}
    yield from authentications(key)
    yield from protected(key, h)
    for index, (purse, kind) in enumerate(((1, 1), (2, 2))):
        name = f"load of purse {purse}"
        yield "load", name, wallet(name, purse, kind) | {
            "load_key": key(f"{name} key"), "tac_key": key(f"{name} TAC key"), "key_id": b"\1",
            "online_sequence": h("a1b2"), "credit": {"moment": h("20261123091500")}}
    for purse, kind in (1, 5), (2, 6):
        name = f"purchase from purse {purse}"
        yield "purchase", name, wallet(name, purse, kind) | {
            "purchase_key": key(f"{name} key"), "tac_key": key(f"{name} TAC key"), "key_id": b"\1",
            "offline_sequence": h("0fa5"), "overdraft_limit": bytes(3), "terminal_sequence": h("0102f3e4"),
            "moment": h("20261123184207")}
    yield from sam(key, h)


def wallet(name, purse, kind):
    return {"purse": bytes([purse]), "amount": bytes.fromhex("0001e240"), "transaction_type": bytes([kind]),
            "terminal": bytes.fromhex("320100000977"), "old_balance": bytes.fromhex("00045678"), "key_version": b"\1",
            "algorithm": b"\0", "random": draw(f"{name} random", 4)}


def authentications(key):
    for length in 8, 16:
        for command, size in (("external", 4), ("external", 8), ("internal-encipher", 8), ("internal-encipher", 11),
                              ("internal-decipher", 16)):
            name = f"{command} of {size} bytes, {length}-byte key"
            yield "authentication", name, {"command": command, "key": key(name, length), "key_id": b"\1",
                                           "data": draw(f"{name} data", size)}
    for length in 8, 16:
        name = f"internal-mac, {length}-byte key"
        yield "authentication", name, {"command": "internal-mac", "key": key(name, length), "key_id": b"\2",
                                       "data": draw(name, 11)}


def protected(key, h):
    """Secure messaging: files, block and unblock, keys, PIN."""
    commands = [("UPDATE BINARY", "04d69700", 12, 16, 4), ("UPDATE BINARY, 8-byte challenge", "04d69500", 30, 16, 8),
                ("UPDATE BINARY, 8-byte key", "04d69600", 13, 8, 4), ("APPEND RECORD", "04e200d4", 16, 16, 4),
                ("APPLICATION BLOCK", "841e0000", 0, 16, 4), ("APPLICATION BLOCK for good", "841e0001", 0, 16, 4),
                ("APPLICATION UNBLOCK", "84180000", 0, 16, 4), ("CARD BLOCK", "84160000", 0, 16, 4)]
    for name, header, size, length, challenge in commands:
        yield "line_protection", name, line(name, header, key(name, length), challenge, draw(f"{name} data", size))
    for size in 7, 8, 30:
        name = f"UPDATE BINARY of {size} bytes, enciphered"
        yield "line_protection", name, line(name, "04d69600", key(name), 4, draw(f"{name} data", size), True)
    for enciphered, size in (False, 30), (True, 30), (True, 7):
        name = f"READ BINARY of {size} bytes{', enciphered' * enciphered}"
        yield "line_protection", name, line(name, "04b09500", key(name), 4, b"") | {
            "answer": {"enciphered": enciphered, "plain": draw(f"{name} data", size)}}
    for size in 7, 8, 23:
        name = f"{size} bytes"
        yield "encipherment", name, {"key": key(f"encipherment {size}"), "plain": draw(f"plain {size}", size)}
    for target, header, length, head, control in (
            ("card", "84d40101", 16, "fef0f00100", 16), ("card", "84d43900", 16, "f9f0f0aa33", 16),
            ("card", "84d4f902", 8, "f9f0f0aa33", 16), ("card", "84d43900", 8, "f9f0f0aaff", 8),
            ("sam", "84d40000", 16, "220100", 16)):
        name = f"WRITE KEY {header[4:]} to the {target}, {control}-byte control key"
        yield "wrapped_key", name, {"target": target, "control_key": key(name, control), "header": h(header),
                                    "challenge": draw(f"{name} challenge", 4),
                                    "record": h(head) + draw(f"{name}, new key", length)}
    for pin in "1234", "123456", "123456789012":
        name = f"RELOAD PIN {pin}"
        yield "reload_pin", name, {"key": key(name), "key_id": b"\0", "pin": h(pin)}
        name = f"PIN UNBLOCK {pin}"
        yield "pin_unblock", name, {"key": key(name), "header": h("84240000"), "pin": h(pin),
                                    "challenge": draw(f"{name} challenge", 4)}


def line(name, header, key, challenge, plain, enciphered=False):
    return {"key": key, "challenge": draw(f"{name} challenge", challenge), "header": bytes.fromhex(header),
            "enciphered": enciphered, "plain": plain}


def sam(key, h):
    for levels in 1, 2, 3:
        name = f"purchase, {levels} levels"
        fields = wallet(name, 2, 6)
        del fields["purse"], fields["old_balance"]
        used = {"key": key(f"SAM {name}"), "factors": FACTORS[3 - levels:]}
        yield "sam_purchase", name, used | fields | {
            "offline_sequence": h("0fa5"), "terminal_sequence": h("0102f3e4"), "moment": h("20261123184207")}
    fields = wallet("SAM load", 2, 2)
    del fields["purse"]
    yield "sam_load", "load", {"key": key("SAM load"), "factors": FACTORS[2:]} | fields | {
        "online_sequence": h("a1b2"), "moment": h("20261123091500")}
    padded = draw("DES CRYPT data", 21) + h("800000")
    for name, usage, p1, data in (("encipher", "27", "00", padded), ("decipher", "27", "80", padded), ("MAC", "26", "01", padded),
                                  ("MAC with IV", "25", "05", draw("DES CRYPT IV", 8) + padded),
                                  ("MAC with IV, two levels", "48", "05", draw("DES CRYPT IV", 8) + padded),
                                  ("MAC by a folded key", "24", "01", padded)):
        yield "des_crypt", name, {"key": key(f"DES CRYPT {name}"), "usage": h(usage), "key_version": b"\1",
                                  "factors": FACTORS[3 - (h(usage)[0] >> 5):], "p1": h(p1), "data": data}
