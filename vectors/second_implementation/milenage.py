"""Milenage (3GPP TS 35.206 §4.1): one block cipher of OPc, RAND and, for f1, SQN and AMF; rotations and constants tell the functions apart."""
from aes import aes
from primitives import xor


def rotated(block, bits):
    number = int.from_bytes(block)
    return ((number << bits | number >> 128 - bits) & (1 << 128) - 1).to_bytes(16) if bits else block


def make_milenage(v):
    key, rand = v["key"], v["rand"]
    opc = xor(aes(key, v["op"]), v["op"])
    temp = aes(key, xor(rand, opc))

    def out(rotation, constant, block, added=bytes(16)):
        turned = xor(xor(rotated(xor(block, opc), rotation), bytes(15) + bytes([constant])), added)
        return xor(aes(key, turned), opc)

    # f1 alone turns SQN ‖ AMF and adds TEMP behind the rotation.
    first = out(64, 0, (v["sqn"] + v["amf"]) * 2, temp)
    second = out(0, 1, temp)
    return {"opc": opc, "f1": first[:8], "f1_star": first[8:], "f2": second[8:], "f3": out(32, 2, temp),
            "f4": out(64, 4, temp), "f5": second[:6], "f5_star": out(96, 8, temp)[:6]}
