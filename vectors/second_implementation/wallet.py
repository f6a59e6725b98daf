"""The wallet's transactions (JR/T 0025.2, FMCOS 2.0 user manual p. 89-123; undo and the EP's unload: profile §3.3)."""
from primitives import apdu, by_byte, session_key, tac, transaction_mac

# Type of transaction: P1 of INITIALIZE.
DEBITS = {b"\4": b"\2", b"\5": b"\1", b"\6": b"\1", b"\x09": b"\3", b"\x0a": b"\6"}


def initialize(p1, v):
    return bytes.fromhex("8050") + p1 + v["purse"]


def order(v):
    return v["key_id"] + v["amount"] + v["terminal"]


def number(amount):
    return int.from_bytes(amount)


def next_of(sequence):
    """Sequence after the increment, as the log stores it."""
    return (number(sequence) + 1).to_bytes(2)


def signed(v, message):
    """TAC by the card's TAC key, which has a cipher of its own."""
    return tac(v["tac_key"], message, by_byte(v.get("tac_algorithm", b"\0")))


def online(key, v):
    """Session key of load, unload and overdraft update."""
    return session_key(key, v["random"] + v["online_sequence"] + b"\x80\0", by_byte(v["algorithm"]))


def make_load(v):
    cipher, session = by_byte(v["algorithm"]), online(v["load_key"], v)
    named = v["amount"] + v["transaction_type"] + v["terminal"]
    mac1 = transaction_mac(session, v["old_balance"] + named, cipher)
    answer = v["old_balance"] + v["online_sequence"] + v["key_version"] + v["algorithm"] + v["random"] + mac1
    out = {"initialize": apdu(initialize(b"\0", v), order(v), b"\x10"),
           "initialize_answer": answer, "session_key": session, "mac1": mac1}
    if credit := v.get("credit"):
        mac2 = transaction_mac(session, named + credit["moment"], cipher)
        out["credit"] = made = {"mac2": mac2, "apdu": apdu(bytes.fromhex("80520000"), credit["moment"] + mac2, b"\x04")}
        if "tac_key" in v:
            new = (number(v["old_balance"]) + number(v["amount"])).to_bytes(4)
            made["tac"] = signed(v, new + v["online_sequence"] + named + credit["moment"])
            made["log_record"] = next_of(v["online_sequence"]) + bytes(3) + named + credit["moment"]
    return out


def make_unload(v):
    cipher, session = by_byte(v["algorithm"]), online(v["unload_key"], v)
    named = v["amount"] + v["transaction_type"] + v["terminal"]
    mac1 = transaction_mac(session, v["old_balance"] + named, cipher)
    mac2 = transaction_mac(session, named + v["moment"], cipher)
    new = (number(v["old_balance"]) - number(v["amount"])).to_bytes(4)
    return {"initialize": apdu(initialize(b"\5", v), order(v), b"\x10"),
            "initialize_answer": v["old_balance"] + v["online_sequence"] + v["key_version"] + v["algorithm"]
            + v["random"] + mac1,
            "session_key": session, "mac1": mac1, "mac2": mac2,
            "debit": apdu(bytes.fromhex("80540300"), v["moment"] + mac2, b"\x04"),
            "mac3": transaction_mac(session, new + v["online_sequence"] + named + v["moment"], cipher),
            "log_record": next_of(v["online_sequence"]) + bytes(3) + named + v["moment"]}


def make_overdraft(v):
    cipher, session, kind = by_byte(v["algorithm"]), online(v["overdraft_key"], v), b"\7"
    mac1 = transaction_mac(session, v["old_balance"] + v["old_limit"] + kind + v["terminal"], cipher)
    said = v["new_limit"] + kind + v["terminal"] + v["moment"]
    mac2 = transaction_mac(session, said, cipher)
    new = (number(v["old_balance"]) - number(v["old_limit"]) + number(v["new_limit"])).to_bytes(4)
    return {"initialize": apdu(bytes.fromhex("80500401"), v["key_id"] + v["terminal"], b"\x13"),
            "initialize_answer": v["old_balance"] + v["online_sequence"] + v["old_limit"] + v["key_version"]
            + v["algorithm"] + v["random"] + mac1,
            "session_key": session, "mac1": mac1, "mac2": mac2,
            "update": apdu(bytes.fromhex("80580000"), v["new_limit"] + v["moment"] + mac2, b"\x04"),
            "new_balance": new, "tac": signed(v, new + v["online_sequence"] + said),
            "log_record": next_of(v["online_sequence"]) + v["new_limit"] + b"\0" + said}


def debit_macs(key, v):
    """Session key, MAC1 and MAC2 of a debit or undo, as the card and the SAM both make them."""
    cipher = by_byte(v["algorithm"])
    session = session_key(key, v["random"] + v["offline_sequence"] + v["terminal_sequence"][2:], cipher)
    named = v["amount"] + v["transaction_type"] + v["terminal"] + v["moment"]
    return {"session_key": session, "mac1": transaction_mac(session, named, cipher),
            "mac2": transaction_mac(session, v["amount"], cipher)}


def make_purchase(v):
    """Purchase, cash withdrawal, compound purchase and undo: the type says which."""
    out, kind = debit_macs(v["purchase_key"], v), v["transaction_type"]
    state = v["old_balance"] + v["offline_sequence"] + v["overdraft_limit"] + v["key_version"] + v["algorithm"]
    debit = b"\x80\x54" + (b"\6" if kind == b"\x0a" else b"\1") + b"\0"
    out |= {"initialize": apdu(initialize(DEBITS[kind], v), order(v), b"\x0f"),
            "initialize_answer": state + v["random"],
            "debit": apdu(debit, v["terminal_sequence"] + v["moment"] + out["mac1"], b"\x08"),
            "log_record": next_of(v["offline_sequence"]) + v["overdraft_limit"] + v["amount"] + kind + v["terminal"]
            + v["moment"]}
    if "tac_key" in v:
        said = v["amount"] + v["transaction_type"] + v["terminal"] + v["terminal_sequence"] + v["moment"]
        out["tac"] = signed(v, said)
    if cache := v.get("cache"):
        # By tag, in EF 001C.
        out["cache"] = {"update": apdu(b"\x80\xdc" + cache["record"][:1] + b"\xe0", cache["record"])}
    return out
