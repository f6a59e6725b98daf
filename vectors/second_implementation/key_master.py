"""The key master card: AES key wrap (RFC 3394) and the bodies of WRITE KEY that it exports (specification 16.3.2, 16.6)."""
from aes import aes
from orders import SERIAL, draw
from primitives import BLOCK, diversify, ecb, named, protect, xor

ALGORITHM = {"des": "00", "sm4": "04", "aes": "06"}


def key_wrap(kek, plain):
    """RFC 3394 clause 2.2.1, by shifting: the front and the first register through the cipher, the result to the end."""
    front, registers = b"\xa6" * 8, [plain[i:i + 8] for i in range(0, len(plain), 8)]
    for step in range(1, 6 * len(registers) + 1):
        block = aes(kek, front + registers.pop(0))
        front = xor(block[:8], step.to_bytes(8))
        registers.append(block[8:])
    return front + b"".join(registers)


def make_exported_key(v):
    cipher = named(v)
    control = diversify(v["wrapping_key"], [v["factor"]], cipher)
    key = v["master_key"] if v["enterprise_level"] else diversify(v["master_key"], [v["factor"]], cipher)
    initial = v["freshness"]
    if v["over_the_air"]:
        initial = ecb(control, initial.ljust(BLOCK[cipher], b"\0"), cipher)
    return {"control_key": control} | protect(control, v | {"challenge": initial}, v["head"] + key, True, cipher)


def wraps():
    for label, size in ("a key", 16), ("three keys", 48):
        yield "key_wrap", label, {"kek": draw(f"wrap key of {label}"), "plain": draw(f"{label} to wrap", size)}


def exports(cipher):
    prefix, own = "" if cipher == "des" else f"{cipher}, ", ALGORITHM[cipher]
    for label, target, header, head, air, enterprise in (
            ("a purchase key is added to a card", "card", "84d40101", f"fef0f001{own}", False, False),
            ("a control key replaces the operator's", "card", "84d43900", "f9f0f00fff", False, False),
            ("a purchase key over the air", "card", "84d40102", f"fef0f002{own}", True, False),
            ("a purchase key for a SAM", "sam", "84d40000", f"2201{own}", False, True),
            ("a SAM's own control key", "sam", "84d40000", f"0001{own}", False, False)):
        name = f"{prefix}{label}"
        freshness = bytes.fromhex("0000001234020000") if air else draw(f"{name} challenge", 4) + bytes(4)
        yield "exported_key", name, ({} if cipher == "des" else {"block_cipher": cipher}) | {
            "target": target, "over_the_air": air, "wrapping_key": draw(f"{name} wrapping key"),
            "master_key": draw(f"{name} master key"), "enterprise_level": enterprise, "factor": SERIAL,
            "freshness": freshness, "header": bytes.fromhex(header), "head": bytes.fromhex(head)}
