"""The SAM (PBOC PSAM; profile §4 for load, undo, past purchases and marking)."""
from primitives import BLOCK, apdu, by_byte, cmac, diversify, ecb, fold, line_mac, named, pad, protect, transaction_mac
from wallet import debit_macs, make_load


def factors(v):
    """They travel card serial first; keys are diversified by the serial last."""
    return b"".join(reversed(v["factors"]))


def order(v, sequence):
    """Data of 8070."""
    fixed = v["random"] + v[sequence] + v["amount"] + v["transaction_type"] + v["moment"] + v["key_version"]
    return fixed + v["algorithm"] + factors(v)


def make_sam_purchase(v):
    """Purchase or undo, by its type."""
    out = debit_macs(diversify(v["key"], v["factors"], by_byte(v["algorithm"])), v)
    data, p1 = order(v, "offline_sequence"), b"\1" if v["transaction_type"] == b"\x0a" else b"\0"
    return out | {"initialize": apdu(b"\x80\x70" + p1 + b"\0", data, b"\x08"),
                  "credit": apdu(b"\x80\x72" + p1 + b"\0", out["mac2"]),
                  "past": apdu(bytes.fromhex("80720300"), v["terminal_sequence"] + data + out["mac2"])}


def make_sam_load(v):
    card_key = diversify(v["key"], v["factors"], by_byte(v["algorithm"]))
    load = make_load(v | {"load_key": card_key, "purse": b"\x02", "key_id": b"\1", "credit": v})
    data = order(v, "online_sequence") + v["old_balance"] + load["mac1"]
    return {"session_key": load["session_key"], "mac1": load["mac1"], "mac2": load["credit"]["mac2"],
            "initialize": apdu(bytes.fromhex("80700200"), data, b"\x04")}


def make_des_crypt(v):
    """DES CRYPT takes data padded by the terminal, but for AES. Kind 04 makes transaction MACs: triple DES folds it."""
    cipher, data, p1 = named(v), v["data"], v["p1"][0]
    key, folds = diversify(v["key"], v["factors"], cipher), v["usage"][0] & 0x1F == 4
    if p1 in (0x00, 0x80):
        answer = ecb(key, data, cipher, p1 == 0x80)
    elif cipher == "aes":
        # P1 01 and 05 alike: an initial block is the first of the data.
        answer = cmac(key, data)[:4]
    else:
        size = BLOCK[cipher]
        start, whole = (data[:size], data[size:]) if p1 == 5 else (bytes(size), data)
        message = whole.rstrip(b"\0")[:-1]
        assert pad(message, size) == whole
        key = fold(key) if folds and cipher == "des" else key
        assert not folds or p1 == 1
        answer = transaction_mac(key, message, cipher) if folds else line_mac(key, message, start, cipher)
    return {"initialize": apdu(bytes.fromhex("801A") + v["usage"] + v["key_version"], factors(v)),
            "crypt": apdu(b"\x80\xfa" + v["p1"] + b"\0", data), "answer": answer}


def make_sam_mark(v):
    """The MAC of 04D697000C 03 ‖ list version, and nothing else, by the card's maintenance key."""
    cipher, plain = named(v), b"\3" + v["list_version"]
    key = diversify(v["key"], v["factors"], cipher)
    card = protect(key, {"header": bytes.fromhex("04d69700"), "challenge": v["challenge"]}, plain, False, cipher)
    data = v["challenge"] + v["list_version"] + v["factors"][-1]
    return {"mark": apdu(bytes.fromhex("80740000"), data, b"\x04"), "mac": card["mac"], "update": card["apdu"]}


def make_access_right(v):
    """Static MAC of an entry of EF 0019: line protection, IV 0, over serial ‖ the entry's first 12 bytes."""
    cipher, serial = named(v), v["factors"][-1]
    mac = line_mac(diversify(v["key"], v["factors"], cipher), serial + v["right"], b"", cipher)
    return {"mac": mac, "entry": v["right"] + mac}
