"""Every construction, each from its fields to what follows from them (JR/T 0025, FMCOS 2.0 manuals, the profile).

`MAKE[kind](inputs)` returns the outputs of a vector of that kind. All values are bytes.
"""
from des import des


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def blocks(data):
    assert len(data) % 8 == 0
    return [data[i:i + 8] for i in range(0, len(data), 8)]


def ecb(key, data, decipher=False):
    """DES with 8 bytes of key, EDE triple DES with 16."""
    if len(key) == 8:
        return b"".join(des(key, block, decipher) for block in blocks(data))
    first, second = key[:8], key[8:]
    return b"".join(des(first, des(second, des(first, b, decipher), not decipher), decipher) for b in blocks(data))


def pad(data):
    return data + b"\x80" + bytes(-(len(data) + 1) % 8)


def cbc_mac(key, message, iv=bytes(8)):
    """ISO/IEC 9797-1 algorithm 1, padding method 2; all eight bytes."""
    for block in blocks(pad(message)):
        iv = des(key, xor(iv, block))
    return iv


def mac(key, message, iv=bytes(8)):
    """Line protection: algorithm 3 with 16 bytes of key, algorithm 1 with 8."""
    last = cbc_mac(key[:8], message, iv)
    return last if len(key) == 8 else des(key[:8], des(key[8:], last, True))


def fold(key):
    return xor(key[:8], key[8:])


def diversify(key, factors):
    for factor in factors:
        key = ecb(key, factor) + ecb(key, xor(factor, b"\xff" * 8))
    return key


def lined(plain):
    """Length byte in front, padded only where needed."""
    data = bytes([len(plain)]) + plain
    return data if len(data) % 8 == 0 else pad(data)


def iv(v):
    return v["challenge"].ljust(8, b"\0")


def apdu(header, data, le=b""):
    return header + bytes([len(data)]) + data + le


def protect(key, v, plain, enciphered):
    """A command under line protection. Lc counts the MAC before it is there."""
    data = ecb(key, lined(plain)) if enciphered else plain
    head = v["header"] + bytes([len(data) + 4])
    code = mac(key, head + data, iv(v))[:4]
    return ({"cipher": data} if enciphered else {}) | {"mac": code, "apdu": head + data + code}


def make_ecb(v):
    return {"output": ecb(v["key"], v["input"], v["direction"] == "decipher")}


def make_mac(v):
    code = cbc_mac(v["key"], v["data"], v["iv"]) if v["method"] == "cbc" else mac(v["key"], v["data"], v["iv"])
    return {"mac": code[:len(v.get("mac", b"four"))]}


def make_authentication(v):
    key, data, command = v["key"], v["data"], v["command"]
    if command == "external":
        cryptogram = ecb(key, data.ljust(8, b"\0"))
        return {"cryptogram": cryptogram, "apdu": apdu(bytes.fromhex("008200") + v["key_id"], cryptogram)}
    p1 = ["internal-encipher", "internal-decipher", "internal-mac"].index(command)
    whole = data if len(data) % 8 == 0 else pad(data)
    answer = cbc_mac(key, data)[:4] if p1 == 2 else ecb(key, whole, p1 == 1)
    return {"cryptogram": answer, "apdu": apdu(bytes([0, 0x88, p1]) + v["key_id"], data)}


def make_line_protection(v):
    out = protect(v["key"], v, v["plain"], v["enciphered"])
    if answer := v.get("answer"):
        data = ecb(v["key"], lined(answer["plain"])) if answer["enciphered"] else answer["plain"]
        out["answer"] = ({"cipher": data} if answer["enciphered"] else {}) | {"mac": mac(v["key"], data, iv(v))[:4]}
    return out


def make_reload_pin(v):
    code = cbc_mac(fold(v["key"]), v["pin"])[:4]
    return {"mac": code, "apdu": apdu(bytes.fromhex("805E00") + v["key_id"], v["pin"] + code)}


def make_load(v):
    named = v["amount"] + v["transaction_type"] + v["terminal"]
    session = ecb(v["load_key"], v["random"] + v["online_sequence"] + b"\x80\0")
    mac1 = cbc_mac(session, v["old_balance"] + named)[:4]
    answer = v["old_balance"] + v["online_sequence"] + v["key_version"] + v["algorithm"] + v["random"] + mac1
    out = {"initialize": apdu(bytes.fromhex("805000") + v["purse"], v["key_id"] + v["amount"] + v["terminal"], b"\x10"),
           "initialize_answer": answer, "session_key": session, "mac1": mac1}
    if credit := v.get("credit"):
        mac2 = cbc_mac(session, named + credit["moment"])[:4]
        out["credit"] = made = {"mac2": mac2, "apdu": apdu(bytes.fromhex("80520000"), credit["moment"] + mac2, b"\x04")}
        if "tac_key" in v:
            new = (int.from_bytes(v["old_balance"]) + int.from_bytes(v["amount"])).to_bytes(4)
            made["tac"] = cbc_mac(fold(v["tac_key"]), new + v["online_sequence"] + named + credit["moment"])[:4]
            after = (int.from_bytes(v["online_sequence"]) + 1).to_bytes(2)
            made["log_record"] = after + bytes(3) + named + credit["moment"]
    return out


def purchase_macs(key, v):
    """Session key, MAC1 and MAC2, as the card and the SAM both make them."""
    session = ecb(key, v["random"] + v["offline_sequence"] + v["terminal_sequence"][2:])
    named = v["amount"] + v["transaction_type"] + v["terminal"] + v["moment"]
    return {"session_key": session, "mac1": cbc_mac(session, named)[:4], "mac2": cbc_mac(session, v["amount"])[:4]}


def make_purchase(v):
    out = purchase_macs(v["purchase_key"], v)
    state = v["old_balance"] + v["offline_sequence"] + v["overdraft_limit"] + v["key_version"] + v["algorithm"]
    order = v["key_id"] + v["amount"] + v["terminal"]
    out |= {"initialize": apdu(bytes.fromhex("805001") + v["purse"], order, b"\x0f"),
            "initialize_answer": state + v["random"],
            "debit": apdu(bytes.fromhex("80540100"), v["terminal_sequence"] + v["moment"] + out["mac1"], b"\x08")}
    if "tac_key" in v:
        said = v["amount"] + v["transaction_type"] + v["terminal"] + v["terminal_sequence"] + v["moment"]
        out["tac"] = cbc_mac(fold(v["tac_key"]), said)[:4]
    return out


def sam_order(v, sequence):
    """Data of 8070. The factors travel card serial first; keys are diversified by the serial last."""
    fixed = v["random"] + v[sequence] + v["amount"] + v["transaction_type"] + v["moment"] + v["key_version"]
    return fixed + v["algorithm"] + b"".join(reversed(v["factors"]))


def make_sam_purchase(v):
    out, data = purchase_macs(diversify(v["key"], v["factors"]), v), sam_order(v, "offline_sequence")
    out |= {"initialize": apdu(bytes.fromhex("80700000"), data, b"\x08"),
            "credit": apdu(bytes.fromhex("80720000"), out["mac2"]),
            "past": apdu(bytes.fromhex("80720300"), v["terminal_sequence"] + data + out["mac2"])}
    return out


def make_sam_load(v):
    card_key = diversify(v["key"], v["factors"])
    load = make_load(v | {"load_key": card_key, "purse": b"\x02", "key_id": b"\1", "credit": v})
    data = sam_order(v, "online_sequence") + v["old_balance"] + load["mac1"]
    return {"session_key": load["session_key"], "mac1": load["mac1"], "mac2": load["credit"]["mac2"],
            "initialize": apdu(bytes.fromhex("80700200"), data, b"\x04")}


def make_des_crypt(v):
    """DES CRYPT takes data padded by the terminal; kind 04 folds its key on use."""
    key, data, p1 = diversify(v["key"], v["factors"]), v["data"], v["p1"][0]
    key = fold(key) if v["usage"][0] & 0x1F == 4 else key
    if p1 == 0:
        answer = ecb(key, data)
    else:
        start, whole = (data[:8], data[8:]) if p1 == 5 else (bytes(8), data)
        message = whole.rstrip(b"\0")
        assert message[-1:] == b"\x80" and pad(message[:-1]) == whole
        answer = mac(key, message[:-1], start)[:4]
    initialize = apdu(bytes.fromhex("801A") + v["usage"] + v["key_version"], b"".join(reversed(v["factors"])))
    return {"initialize": initialize, "crypt": apdu(b"\x80\xfa" + v["p1"] + b"\0", data), "answer": answer}


MAKE = {
    "ecb": make_ecb, "mac": make_mac, "authentication": make_authentication, "line_protection": make_line_protection,
    "reload_pin": make_reload_pin, "load": make_load, "purchase": make_purchase, "sam_purchase": make_sam_purchase,
    "sam_load": make_sam_load, "des_crypt": make_des_crypt,
    "diversify": lambda v: {"derived": diversify(v["key"], v["factors"])},
    "key_check_value": lambda v: {"value": ecb(v["key"], bytes(8))[:3]},
    "encipherment": lambda v: {"cipher": ecb(v["key"], lined(v["plain"]))},
    "pin_unblock": lambda v: protect(v["key"], v, v["pin"], True),
    "wrapped_key": lambda v: protect(v["control_key"], v, v["record"], True),
}
