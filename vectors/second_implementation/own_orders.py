"""Inputs of the vectors for SM4 and AES (own, profile §3.2), and of the kinds that came with them."""
from orders import FACTORS, SERIAL, draw, line, wallet

MOMENT = bytes.fromhex("20261123184207")
ALGORITHM = {"des": b"\0", "sm4": b"\4", "aes": b"\6"}


def named(cipher, fields):
    """A vector without an algorithm byte says its cipher, but for DES."""
    return fields if cipher == "des" else {"block_cipher": cipher} | fields


def transactions(cipher):
    """What the wallet gained: undo, unload, compound purchase, cash withdrawal, overdraft update."""
    prefix, algorithm = "" if cipher == "des" else f"{cipher}, ", {"algorithm": ALGORITHM[cipher]}
    for label, purse, kind in (("undo", 2, 10), ("compound purchase", 2, 9), ("cash withdrawal", 1, 4)):
        yield debit(f"{prefix}{label}", purse, kind) | algorithm | {"tac_algorithm": ALGORITHM[cipher]}
    for purse, kind in (1, 3), (2, 11):
        yield online(f"{prefix}unload of purse {purse}", purse, kind, "unload") | algorithm | {"moment": MOMENT}
    for label, old, new in (("first limit", "000000", "002710"), ("lower limit", "002710", "001388")):
        fields = online(f"{prefix}{label}", 1, 7, "overdraft") | algorithm | {
            "old_limit": bytes.fromhex(old), "new_limit": bytes.fromhex(new), "moment": MOMENT,
            "tac_algorithm": ALGORITHM[cipher]}
        yield with_tac_key({k: v for k, v in fields.items() if k not in ("amount", "transaction_type", "purse")})


def debit(name, purse, kind):
    fields = wallet(name, purse, kind) | {
        "kind": "purchase", "name": name, "purchase_key": draw(f"{name} key"), "key_id": b"\1",
        "offline_sequence": b"\1\2", "overdraft_limit": bytes(3), "terminal_sequence": bytes.fromhex("0102f3e4"),
        "moment": MOMENT}
    if kind == 9:
        fields["cache"] = {"record": bytes.fromhex("011e00") + draw(f"{name} record", 29)}
    return with_tac_key(fields)


def online(name, purse, kind, key):
    return wallet(name, purse, kind) | {"kind": key, "name": name, f"{key}_key": draw(f"{name} key"), "key_id": b"\1",
                                        "online_sequence": b"\1\3"}


def with_tac_key(fields):
    return fields | {"tac_key": draw(f"{fields['name']} TAC key")}


def new_kinds(cipher):
    """Marking, access rights and the SAM's undo."""
    prefix = "" if cipher == "des" else f"{cipher}, "
    name = f"{prefix}mark"
    yield "sam_mark", name, named(cipher, {
        "key": draw(f"SAM {name}"), "factors": [SERIAL], "challenge": draw(f"{name} challenge", 4),
        "list_version": bytes.fromhex("20261123000017")})
    name = f"{prefix}access right"
    yield "access_right", name, named(cipher, {
        "key": draw(name), "factors": [SERIAL], "right": bytes.fromhex("001703012026010120271231")})
    for levels in 1, 2:
        yield sam_debit(f"{prefix}undo, {levels} levels", 10, levels, cipher)


def sam_debit(name, kind, levels, cipher):
    fields = wallet(name, 2, kind) | {
        "key": draw(f"SAM {name}"), "factors": FACTORS[3 - levels:], "algorithm": ALGORITHM[cipher],
        "offline_sequence": b"\1\2", "terminal_sequence": bytes.fromhex("0102f3e4"), "moment": MOMENT}
    del fields["purse"], fields["old_balance"]
    return "sam_purchase", name, fields


def own_cipher(cipher):
    """Everything of before, with SM4 or AES."""
    for direction in "encipher", "decipher":
        name = f"{cipher}, {direction}"
        yield "ecb", name, named(cipher, {"key": draw(name), "direction": direction,
                                          "input": draw(f"{name} input", 32)})
    method, start = {"sm4": ("sm4-cbc", 8), "aes": ("aes-cmac", 0)}[cipher]
    for size in 0, 5, 15, 16, 31, 32:
        name = f"{method} of {size} bytes"
        yield "mac", name, {"method": method, "key": draw(name), "iv": draw(f"{name} IV", start) + bytes(start),
                            "data": draw(f"{name} data", size)}
    for levels in 1, 2, 3:
        name = f"{cipher}, {levels} levels"
        yield "diversify", name, named(cipher, {"key": draw(f"diversify {name}"), "factors": FACTORS[3 - levels:]})
    yield "key_check_value", cipher, named(cipher, {"key": draw(f"check value {cipher}")})
    yield from authentications(cipher)
    yield from protected(cipher)
    yield from keys_and_pins(cipher)
    yield from loads_and_purchases(cipher)
    yield from sam(cipher)


def authentications(cipher):
    for command, size in (("external", 4), ("external", 8), ("internal-encipher", 8), ("internal-encipher", 16),
                          ("internal-encipher", 21), ("internal-decipher", 32), ("internal-mac", 11),
                          ("internal-mac", 16)):
        name = f"{cipher}, {command} of {size} bytes"
        yield "authentication", name, named(cipher, {"command": command, "key": draw(name), "key_id": b"\1",
                                                     "data": draw(f"{name} data", size)})


def protected(cipher):
    commands = [("UPDATE BINARY", "04d69700", 11, 4), ("UPDATE BINARY, 8-byte challenge", "04d69500", 30, 8),
                ("APPEND RECORD", "04e200d4", 16, 4), ("APPLICATION BLOCK", "841e0000", 0, 4),
                ("APPLICATION UNBLOCK", "84180000", 0, 4), ("CARD BLOCK", "84160000", 0, 4)]
    for label, header, size, challenge in commands:
        name = f"{cipher}, {label}"
        yield "line_protection", name, named(
            cipher, line(name, header, draw(name), challenge, draw(f"{name} data", size)))
    for size in 7, 15, 16, 30:
        name = f"{cipher}, UPDATE BINARY of {size} bytes, enciphered"
        yield "line_protection", name, named(
            cipher, line(name, "04d69600", draw(name), 4, draw(f"{name} data", size), True))
    for enciphered, size in (False, 30), (True, 15), (True, 22):
        name = f"{cipher}, READ BINARY of {size} bytes{', enciphered' * enciphered}"
        yield "line_protection", name, named(cipher, line(name, "04b09500", draw(name), 4, b"")) | {
            "answer": {"enciphered": enciphered, "plain": draw(f"{name} data", size)}}
    yield "encipherment", f"{cipher}, 23 bytes", named(
        cipher, {"key": draw(f"encipherment {cipher}"), "plain": draw(f"plain {cipher}", 23)})


def keys_and_pins(cipher):
    own = ALGORITHM[cipher].hex()
    for target, header, head in (("card", "84d40101", "fef0f001" + own), ("card", "84d43900", "f9f0f0aa33"),
                                 ("sam", "84d40000", "2201" + own)):
        name = f"{cipher}, WRITE KEY {header[4:]} to the {target}"
        yield "wrapped_key", name, named(cipher, {
            "target": target, "control_key": draw(name), "header": bytes.fromhex(header),
            "challenge": draw(f"{name} challenge", 4), "record": bytes.fromhex(head) + draw(f"{name}, new key")})
    for pin in "1234", "123456789012":
        name = f"{cipher}, RELOAD PIN {pin}"
        yield "reload_pin", name, named(cipher, {"key": draw(name), "key_id": b"\0", "pin": bytes.fromhex(pin)})
        name = f"{cipher}, PIN UNBLOCK {pin}"
        yield "pin_unblock", name, named(cipher, {
            "key": draw(name), "header": bytes.fromhex("84240000"), "pin": bytes.fromhex(pin),
            "challenge": draw(f"{name} challenge", 4)})


def loads_and_purchases(cipher):
    algorithm, other = ALGORITHM[cipher], ALGORITHM["aes" if cipher == "sm4" else "sm4"]
    tac_keys = ("", algorithm), (", triple DES TAC", b"\0"), (", another cipher's TAC", other)
    for label, tac_algorithm in tac_keys:
        name = f"{cipher}, load{label}"
        yield "load", name, with_tac_key(wallet(name, 2, 2) | {
            "name": name, "load_key": draw(f"{name} key"), "key_id": b"\1", "online_sequence": b"\1\3",
            "algorithm": algorithm, "tac_algorithm": tac_algorithm, "credit": {"moment": MOMENT}})
        name = f"{cipher}, purchase{label}"
        fields = debit(name, 2, 6) | {"algorithm": algorithm, "tac_algorithm": tac_algorithm}
        yield "purchase", name, fields


def sam(cipher):
    for levels in 1, 2, 3:
        yield sam_debit(f"{cipher}, purchase, {levels} levels", 6, levels, cipher)
    name = f"{cipher}, load"
    fields = wallet(f"SAM {name}", 2, 2) | {
        "key": draw(f"SAM {name}"), "factors": [SERIAL], "algorithm": ALGORITHM[cipher], "online_sequence": b"\1\3",
        "moment": MOMENT}
    del fields["purse"]
    yield "sam_load", name, fields
    padded = draw("DES CRYPT data", 21) + b"\x80" + bytes(10)
    message, start = padded if cipher == "sm4" else padded[:21], draw("DES CRYPT challenge", 8) + bytes(8)
    for label, usage, p1, data in (("encipher", "27", 0, padded), ("decipher", "27", 0x80, padded),
                                   ("MAC", "26", 1, message), ("MAC with an initial block", "25", 5, start + message),
                                   ("MAC with an initial block, two levels", "48", 5, start + message),
                                   ("MAC by a key of kind 04", "24", 1, message)):
        name = f"{cipher}, {label}"
        usage = bytes.fromhex(usage)
        yield "des_crypt", name, named(cipher, {
            "key": draw(f"DES CRYPT {name}"), "usage": usage, "key_version": b"\1",
            "factors": FACTORS[3 - (usage[0] >> 5):], "p1": bytes([p1]), "data": data})
