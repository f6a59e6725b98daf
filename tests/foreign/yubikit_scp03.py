"""Manages a SIM with yubikit, the library of YubiKey Manager, which has an SCP03 of its own (level 33).

    python yubikit_scp03.py READER AID

Opens a session with the published test keys, lists the applications, puts a key set of its own, opens a session with that,
deletes the application AID and the key set, and prints what it saw as JSON. Any difference ends it with a traceback.
"""
import json
import os
import sys

from smartcard.System import readers
from ykman.pcsc import ScardSmartCardConnection
from yubikit.core import Tlv
from yubikit.core.smartcard import ApduError
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, StaticKeys
from yubikit.securitydomain import SecurityDomainSession

GET_STATUS, DELETE, GET_DATA = 0xF2, 0xE4, 0xCA
APPLICATIONS, FIRST, NEXT = 0x40, 0x02, 0x03
MORE_DATA, NOT_FOUND = 0x6310, 0x6A88
NEW_VERSION = 0x32


def session(connection, version, keys):
    domain = SecurityDomainSession(connection)
    domain.authenticate(Scp03KeyParams(KeyRef(1, version), keys))
    return domain


def applications(domain):
    found, form = [], FIRST
    while True:
        try:
            data, more = domain.protocol.send_apdu(0x80, GET_STATUS, APPLICATIONS, form, bytes([0x4F, 0])), False
        except ApduError as error:
            if error.sw == NOT_FOUND:
                return found
            if error.sw != MORE_DATA:
                raise
            data, more = error.data, True
        for entry in Tlv.parse_list(data):
            found.append(Tlv.parse_dict(entry.value)[0x4F].hex().upper())
        if not more:
            return found
        form = NEXT


def key_versions(domain):
    template = Tlv.unpack(0xE0, domain.protocol.send_apdu(0x80, GET_DATA, 0x00, 0xE0))
    return sorted({key.value[1] for key in Tlv.parse_list(template)})


def refused(work):
    try:
        work()
    except (ApduError, ValueError) as error:
        return str(error)
    raise SystemExit("was not refused")


reader, aid = sys.argv[1], bytes.fromhex(sys.argv[2])
[found] = [it for it in readers() if str(it) == reader]
connection = ScardSmartCardConnection(found.createConnection())
published = StaticKeys(*[bytes(range(0x40, 0x50))] * 3)
own = StaticKeys(*(os.urandom(16) for _ in range(3)))

told = {}
wrong = StaticKeys(*[bytes(range(0x41, 0x51))] * 3)
told["wrong_keys"] = refused(lambda: session(connection, 0x30, wrong))
domain = session(connection, 0x30, published)
told["applications"] = applications(domain)
# yubikit compares the check values that the card answers.
domain.put_key(KeyRef(1, NEW_VERSION), own)
told["versions_with_new"] = key_versions(domain)

domain = session(connection, NEW_VERSION, own)
data = bytes([0x4F, len(aid)]) + aid
domain.protocol.send_apdu(0x80, DELETE, 0x00, 0x00, data)
told["applications_after"] = applications(domain)
told["deleted_again"] = refused(lambda: domain.protocol.send_apdu(0x80, DELETE, 0x00, 0x00, data))
# An error has no MAC, and the session goes on behind it.
told["versions_behind_an_error"] = key_versions(domain)

domain = session(connection, 0x30, published)
domain.delete_key(kvn=NEW_VERSION)
told["versions_after"] = key_versions(domain)
told["deleted_keys"] = refused(lambda: session(connection, NEW_VERSION, own))
print(json.dumps(told))
