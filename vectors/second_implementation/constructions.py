"""Every construction, each from its fields to what follows from them (JR/T 0025, FMCOS 2.0 manuals, the profile).

`MAKE[kind](inputs)` returns the outputs of a vector of that kind. All values are bytes, but for names of ciphers.
"""
from key_master import key_wrap, make_exported_key
from milenage import make_milenage
from primitives import (BLOCK, apdu, cbc_mac, check_value, cmac, diversify, ecb, line_mac, lined, named,
                        pad_if_needed, protect, retail_mac, tac)
from sam import make_access_right, make_des_crypt, make_sam_load, make_sam_mark, make_sam_purchase
from wallet import make_load, make_overdraft, make_purchase, make_unload

MACS = {
    "cbc": lambda v: cbc_mac(v["key"], v["data"], v["iv"]),
    "retail": lambda v: retail_mac(v["key"], v["data"], v["iv"]),
    "sm4-cbc": lambda v: cbc_mac(v["key"], v["data"], v["iv"], "sm4"),
    "aes-cmac": lambda v: cmac(v["key"], v["data"]),
}


def make_ecb(v):
    return {"output": ecb(v["key"], v["input"], named(v), v["direction"] == "decipher")}


def make_mac(v):
    return {"mac": MACS[v["method"]](v)[:len(v.get("mac", b"four"))]}


def make_authentication(v):
    key, data, command, cipher = v["key"], v["data"], v["command"], named(v)
    if command == "external":
        cryptogram = ecb(key, data.ljust(BLOCK[cipher], b"\0"), cipher)
        return {"cryptogram": cryptogram, "apdu": apdu(bytes.fromhex("008200") + v["key_id"], cryptogram)}
    p1 = ["internal-encipher", "internal-decipher", "internal-mac"].index(command)
    if p1 == 2:
        answer = line_mac(key, data, b"", cipher)
    else:
        answer = ecb(key, pad_if_needed(data, BLOCK[cipher]), cipher, p1 == 1)
    return {"cryptogram": answer, "apdu": apdu(bytes([0, 0x88, p1]) + v["key_id"], data)}


def make_line_protection(v):
    key, cipher = v["key"], named(v)
    out = protect(key, v, v["plain"], v["enciphered"], cipher)
    if answer := v.get("answer"):
        data = ecb(key, lined(answer["plain"], cipher), cipher) if answer["enciphered"] else answer["plain"]
        code = line_mac(key, data, v["challenge"], cipher)
        out["answer"] = ({"cipher": data} if answer["enciphered"] else {}) | {"mac": code}
    return out


def make_reload_pin(v):
    code = tac(v["key"], v["pin"], named(v))
    return {"mac": code, "apdu": apdu(bytes.fromhex("805E00") + v["key_id"], v["pin"] + code)}


MAKE = {
    "ecb": make_ecb, "mac": make_mac, "authentication": make_authentication, "line_protection": make_line_protection,
    "reload_pin": make_reload_pin, "load": make_load, "purchase": make_purchase, "unload": make_unload,
    "overdraft": make_overdraft, "sam_purchase": make_sam_purchase, "sam_load": make_sam_load,
    "des_crypt": make_des_crypt, "sam_mark": make_sam_mark, "access_right": make_access_right,
    "milenage": make_milenage, "exported_key": make_exported_key,
    "key_wrap": lambda v: {"wrapped": key_wrap(v["kek"], v["plain"])},
    "diversify": lambda v: {"derived": diversify(v["key"], v["factors"], named(v))},
    "key_check_value": lambda v: {"value": check_value(v["key"], named(v))},
    "encipherment": lambda v: {"cipher": ecb(v["key"], lined(v["plain"], named(v)), named(v))},
    "pin_unblock": lambda v: protect(v["key"], v, v["pin"], True, named(v)),
    "wrapped_key": lambda v: protect(v["control_key"], v, v["record"], True, named(v)),
}
