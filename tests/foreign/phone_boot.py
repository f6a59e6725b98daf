"""Plays what a phone does when it is switched on, over pcscd, with osmo-auc-gen (libosmocore) as the network.

    python3 phone_boot.py --reader READER --pin1 DIGITS --key K --opc OPC

Reads EF DIR, ICCID, PL, selects the USIM, verifies PIN1, reads what a phone reads, authenticates the network in both contexts,
falls behind in sequence numbers and is resynchronised, and reads the same identity in class A0. Compares every answer
and prints what it saw as JSON. Any difference ends it with a traceback.
"""
import argparse
import json
import os
import subprocess

from smartcard.CardConnection import CardConnection
from smartcard.System import readers

AUTHENTICATED, SYNCHRONISATION_FAILURE = 0xDB, 0xDC
INDICES = 32


class Phone:
    def __init__(self, name):
        self.connection = next(reader for reader in readers() if str(reader) == name).createConnection()
        self.connection.connect(CardConnection.T0_protocol)

    def send(self, command):
        """Data and status word; what waits is fetched, a wrong length is put right."""
        command = bytes.fromhex(command.replace(" ", ""))
        data, sw1, sw2 = self.connection.transmit(list(command))
        if sw1 == 0x6C:
            data, sw1, sw2 = self.connection.transmit(list(command[:4]) + [sw2])
        elif sw1 in (0x61, 0x9F):
            assert (sw1 == 0x9F) == (command[0] == 0xA0), f"{command.hex()} announces by {sw1:02X}"
            data, sw1, sw2 = self.connection.transmit([command[0], 0xC0, 0, 0, sw2])
        return bytes(data), sw1 << 8 | sw2

    def ok(self, command):
        data, status = self.send(command)
        assert status == 0x9000, f"{command} answers {status:04X}"
        return data


def objects(data):
    """BER-TLV with one-byte tags and lengths."""
    found = {}
    while data:
        found.setdefault(data[0], data[2:2 + data[1]])
        data = data[2 + data[1]:]
    return found


def network(key, opc, rand, sqn=None, auts=None):
    """A vector for the challenge, as the network has it."""
    what = ["-s", str(sqn)] if auts is None else ["-A", auts.hex()]
    told = subprocess.run(["osmo-auc-gen", "-3", "-a", "milenage", "-k", key, "-o", opc, "-f", "8000", "-r", rand.hex(), *what],
                          check=True, capture_output=True, text=True).stdout
    lines = (line.split(":", 1) for line in told.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in lines}


def field(name, vector):
    value = bytes.fromhex(vector[name])
    return bytes([len(value)]) + value


def authenticate(phone, rand, autn):
    return phone.ok(f"0088008122 10{rand.hex()} 10{autn}")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--reader", "--pin1", "--key", "--opc"):
        parser.add_argument(option, required=True)
    options = parser.parse_args()
    phone = Phone(options.reader)

    assert 0x62 in objects(phone.ok("00A40004023F00"))
    phone.ok("80AA000005 A9038001FF")
    parameters = objects(objects(phone.ok("00A40004022F00"))[0x62])
    record_length = parameters[0x82][3]
    entry = objects(objects(phone.ok(f"00B20104{record_length:02X}"))[0x61])
    iccid = (phone.ok("00A40804022FE2"), phone.ok("00B000000A"))[1]
    languages = phone.ok("00B0850000")

    aid = entry[0x4F]
    adf = objects(objects(phone.ok(f"00A40404{len(aid):02X}{aid.hex()}"))[0x62])
    assert adf[0x84] == aid and adf[0xC6][:3] == bytes([0x90, 0x01, 0xE0]), adf
    phone.ok("00A40004026F07")
    assert phone.send("00B0000009")[1] == 0x6982
    pin1 = options.pin1.encode().ljust(8, b"\xff").hex()
    phone.ok(f"0020000108{pin1}")
    files = {}
    for fid in ("6F05", "6FAD", "6F38", "6F56", "6F07", "6F78", "6F08", "6F09", "6F7E", "6F73", "6F31", "6F7B", "6F46", "6F60"):
        size = int.from_bytes(objects(objects(phone.ok(f"00A4000402{fid}"))[0x62])[0x80], "big")
        files[fid] = phone.ok(f"00B00000{size:02X}")
    phone.ok("00A40804047FFF6FB7")
    emergency = [phone.ok(f"00B2{number:02X}0404")[:3].hex() for number in range(1, 6)]

    authentications = 0
    for sqn in (64, 33, 96, 1 << 20):
        rand = os.urandom(16)
        vector = network(options.key, options.opc, rand, sqn=sqn)
        keys = b"".join(field(name, vector) for name in ("RES", "CK", "IK", "Kc"))
        assert authenticate(phone, rand, vector["AUTN"]) == bytes([AUTHENTICATED]) + keys, vector
        triplet = phone.ok(f"0088008011 10{rand.hex()}")
        assert triplet == field("SRES", vector) + field("Kc", vector), vector
        authentications += 1
    rand = os.urandom(16)
    answer = authenticate(phone, rand, network(options.key, options.opc, rand, sqn=128)["AUTN"])
    assert answer[:2] == bytes([SYNCHRONISATION_FAILURE, 14]), answer.hex()
    resynchronised = network(options.key, options.opc, rand, auts=answer[2:])
    assert int(resynchronised["SQN.MS"]) == 1 << 20, resynchronised
    fresh = network(options.key, options.opc, rand, sqn=(1 << 20) + INDICES)
    assert authenticate(phone, rand, fresh["AUTN"])[0] == AUTHENTICATED
    wrong = "00" * 6 + fresh["AUTN"][12:]
    assert phone.send(f"0088008122 10{rand.hex()} 10{wrong}")[1] == 0x9862

    phone.ok("A0A40000023F00")
    phone.ok("A0A40000027F20")
    assert len(phone.ok("A0A40000026F07")) == 15
    assert phone.ok("A0B0000009") == files["6F07"]
    vector = network(options.key, options.opc, rand, sqn=0)
    assert phone.ok(f"A088000010{rand.hex()}").hex() == vector["SRES"] + vector["Kc"]

    print(json.dumps({"aid": aid.hex().upper(), "label": entry[0x50].decode(), "iccid": iccid.hex().upper(),
                      "languages": languages.decode(), "imsi": files["6F07"].hex().upper(), "emergency": emergency,
                      "authentications": authentications}))


if __name__ == "__main__":
    main()
