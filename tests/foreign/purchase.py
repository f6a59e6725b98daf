#!/usr/bin/env python3
"""A load and two purchases through PC/SC, by a terminal that shares no line with this project's.

pyscard talks to the card, pycryptodome does DES; the rest is written here from the specification (clauses in brackets). Every
MAC and TAC of card and SAM is made here too and compared; a transaction that must be refused is tried. The settlement file
is written for the issuer to judge.

  purchase.py --keys dev.keys --pin 135790 --card 'Virtual PCD 00 00' --sam 'Virtual PCD 00 01' --settlement out.settlement

Needs the packages python3-pyscard and python3-pycryptodome.
"""
import argparse
import json
import sys
import tomllib
from datetime import datetime

from Cryptodome.Cipher import DES, DES3
from smartcard.System import readers

LOAD, PURCHASE = 0x02, 0x06
EP = 0x02
RID = bytes.fromhex("F04F4E4543")
SERVER = bytes.fromhex("000000008888")


class Wrong(Exception):
    """Card or SAM did not say what this script computed."""


# DES (4.1)

def pad(message):
    message += b"\x80"
    return message + bytes(-len(message) % 8)


def mac(key, message):
    return DES.new(key, DES.MODE_CBC, bytes(8)).encrypt(pad(message))[-8:][:4]


def triple(key, block):
    return DES3.new(key, DES3.MODE_ECB).encrypt(block)


def diversify(key, factor):
    return triple(key, factor) + triple(key, bytes(255 - byte for byte in factor))


def fold(key):
    return bytes(a ^ b for a, b in zip(key[:8], key[8:], strict=True))


# Cards

class Card:
    """A card in the reader of that name; answers are fetched as T=0 wants it, and whole as in T=1."""

    def __init__(self, reader):
        matching = [r for r in readers() if str(r) == reader]
        if not matching:
            raise SystemExit(f"no reader {reader!r}; there are: {', '.join(map(str, readers())) or 'none'}")
        self.connection = matching[0].createConnection()
        self.connection.connect()

    def transmit(self, command):
        data, high, low = self.connection.transmit(list(command))
        return bytes(data), high << 8 | low

    def send(self, header, data=b"", le=None):
        """Data and status word."""
        length = bytes([len(data)]) if data else b""
        command = header + length + data
        fetched = bytes([] if le is None else [le])
        is_t0 = self.connection.getProtocol() == self.connection.T0_protocol
        # T=0 has no Le behind data.
        answer, status = self.transmit(command if data and is_t0 else command + fetched)
        if status >> 8 == 0x6C:
            answer, status = self.transmit(command[:4] + bytes([status & 0xFF]))
        while status >> 8 == 0x61:
            more, status = self.transmit(bytes([0x00, 0xC0, 0, 0, status & 0xFF]))
            answer += more
        return answer, status

    def ask(self, what, header, data=b"", le=None):
        answer, status = self.send(bytes.fromhex(header), data, le)
        if status != 0x9000:
            raise Wrong(f"{what}: {status:04X}")
        return answer


class Checks:
    """What was compared."""

    def __init__(self):
        self.names = []

    def same(self, what, theirs, ours):
        if theirs != ours:
            raise Wrong(f"{what}: {theirs.hex() if isinstance(theirs, bytes) else theirs} came, "
                        f"{ours.hex() if isinstance(ours, bytes) else ours} was computed")
        self.names.append(what)


class Keys:
    """The card's keys from the operator's roots (4.2.5)."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = tomllib.load(file)
        self.enterprise = bytes.fromhex(content["enterprise"])
        self.roots = {(root["purpose"], root["version"]): bytes.fromhex(root["key"]) for root in content["roots"]}

    def card(self, purpose, serial, version=1):
        return diversify(diversify(self.roots[purpose, version], self.enterprise), serial)


def number(value, length):
    return value.to_bytes(length, "big")


def amount_of(balance):
    return int.from_bytes(balance, "big")


class Terminal:
    """One card, one SAM, and what they did."""

    def __init__(self, card, sam, keys, moment):
        self.card, self.sam, self.keys, self.moment = card, sam, keys, moment
        self.checks, self.settlement = Checks(), []
        fci = card.ask("SELECT", "00A40400", RID + b"\x01" + keys.enterprise, 0)
        public = fci[fci.index(b"\x9f\x0c") + 3:]
        self.checks.same("enterprise in EF 0015", public[:8], keys.enterprise)
        self.serial = public[12:20]
        self.tac_key = fold(keys.card("tac", self.serial))

    def balance(self):
        return amount_of(self.card.ask("GET BALANCE", "805C0002", le=4))

    def load(self, amount, pin):
        """6.3, 6.4; this script is the server."""
        self.card.ask("VERIFY", "00200000", bytes.fromhex(pin + "F" * (len(pin) % 2)))
        money = number(amount, 4)
        answer = self.card.ask("INITIALIZE FOR LOAD", "80500002", b"\x01" + money + SERVER, 0x10)
        old, sequence, version, algorithm, random, mac1 = cut(answer, 4, 2, 1, 1, 4, 4)
        session = triple(self.keys.card("load", self.serial), random + sequence + b"\x80\x00")
        self.checks.same("MAC1 of the load", mac1, mac(session, old + money + bytes([LOAD]) + SERVER))
        covered = money + bytes([LOAD]) + SERVER + self.moment
        tac = self.card.ask("CREDIT FOR LOAD", "80520000", self.moment + mac(session, covered), 4)
        new = number(amount_of(old) + amount, 4)
        self.checks.same("TAC of the load", tac, mac(self.tac_key, new + sequence + covered))
        self.prove(LOAD, sequence, bytes(4), tac)
        self.settle(LOAD, amount, old, new, sequence, "", SERVER, version, algorithm, tac)

    def purchase(self, amount, by_sam):
        """6.5, 6.6; MAC1 comes from the SAM, and is compared, or from here."""
        money = number(amount, 4)
        terminal = self.sam.terminal if by_sam else number(0x112233445566, 6)
        answer = self.card.ask("INITIALIZE FOR PURCHASE", "80500102", b"\x01" + money + terminal, 0x0F)
        old, sequence, _, version, algorithm, random = cut(answer, 4, 2, 3, 1, 1, 4)
        covered = money + bytes([PURCHASE]) + terminal
        if by_sam:
            terminal_sequence, mac1 = self.sam.mac1(
                random + sequence + money + bytes([PURCHASE]) + self.moment + version + algorithm + self.serial)
        else:
            terminal_sequence, mac1 = number(77, 4), None
        session = triple(self.keys.card("purchase", self.serial), random + sequence + terminal_sequence[2:])
        own = mac(session, covered + self.moment)
        if mac1 is not None:
            self.checks.same("MAC1 of the SAM", mac1, own)
        answer = self.card.ask("DEBIT", "80540100", terminal_sequence + self.moment + own, 8)
        tac, mac2 = cut(answer, 4, 4)
        self.checks.same("MAC2", mac2, mac(session, money))
        self.checks.same("TAC of the purchase", tac,
                         mac(self.tac_key, covered + terminal_sequence + self.moment))
        if by_sam:
            self.sam.credit(mac2)
        self.prove(PURCHASE, sequence, mac2, tac)
        new = number(amount_of(old) - amount, 4)
        sequence_there = str(amount_of(terminal_sequence))
        self.settle(PURCHASE, amount, old, new, sequence, sequence_there, terminal, version, algorithm, tac)

    def refused(self, amount):
        """A wrong MAC1 moves nothing."""
        before = self.balance()
        self.card.ask("INITIALIZE FOR PURCHASE", "80500102", b"\x01" + number(amount, 4) + SERVER, 0x0F)
        _, status = self.card.send(bytes.fromhex("80540100"), number(1, 4) + self.moment + bytes(4), 8)
        self.checks.same("status of a wrong MAC1", status, 0x9302)
        self.checks.same("balance after a wrong MAC1", self.balance(), before)

    def prove(self, kind, sequence, mac_there, tac):
        """6.8: the sequence after the increment."""
        header = f"805A00{kind:02X}"
        after = number(amount_of(sequence) + 1, 2)
        proof = self.card.ask("GET TRANSACTION PROVE", header, after, 8)
        self.checks.same("GET TRANSACTION PROVE", proof, mac_there + tac)

    def settle(self, kind, amount, old, new, sequence, terminal_sequence, terminal, version, algorithm, tac):
        self.checks.same("GET BALANCE", self.balance(), amount_of(new))
        self.settlement.append(",".join([
            str(len(self.settlement) + 1), self.keys.enterprise.hex(), self.serial.hex(), terminal.hex().upper(),
            f"{kind:02X}", str(amount), str(amount_of(old)), str(amount_of(new)), str(amount_of(sequence)),
            terminal_sequence, self.moment.hex(), version.hex().upper(), algorithm.hex().upper(), tac.hex().upper(),
            "answer"]))


class Sam:
    """A till's SAM (7.5, 7.6)."""

    def __init__(self, card, enterprise):
        self.card = card
        card.ask("SELECT MF", "00A40000", bytes.fromhex("3F00"), 0)
        self.terminal = card.ask("READ BINARY", "00B09600", le=6)
        card.ask("SELECT", "00A40400", RID + b"\x02" + enterprise, 0)

    def mac1(self, data):
        return cut(self.card.ask("INIT_SAM_FOR_PURCHASE", "80700000", data, 8), 4, 4)

    def credit(self, mac2):
        self.card.ask("CREDIT_SAM_FOR_PURCHASE", "80720000", mac2)


def cut(data, *lengths):
    """Fields of those lengths, and nothing behind them."""
    if len(data) != sum(lengths):
        raise Wrong(f"{len(data)} bytes came, {sum(lengths)} were expected")
    fields, at = [], 0
    for length in lengths:
        fields.append(data[at:at + length])
        at += length
    return fields


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for option in ["keys", "pin", "card", "sam", "settlement"]:
        parser.add_argument(f"--{option}", required=True)
    options = parser.parse_args()
    keys = Keys(options.keys)
    moment = bytes.fromhex(datetime.now().strftime("%Y%m%d%H%M%S"))
    card, sam = Card(options.card), Sam(Card(options.sam), keys.enterprise)
    try:
        terminal = Terminal(card, sam, keys, moment)
        terminal.load(10_000, options.pin)
        terminal.purchase(1_250, by_sam=False)
        terminal.refused(100)
        terminal.purchase(2_345, by_sam=True)
        terminal.load(1, options.pin)
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    columns = ("order,enterprise,serial,terminal,type,amount,old_balance,new_balance,card_sequence,terminal_sequence,"
               "moment,key_version,algorithm,tac,evidence")
    with open(options.settlement, "x", encoding="ascii") as file:
        file.write("\n".join(["onecard-settlement;1", columns, *terminal.settlement]) + "\n")
    print(json.dumps({"serial": terminal.serial.hex(), "balance_fen": terminal.balance(),
                      "compared": terminal.checks.names}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
