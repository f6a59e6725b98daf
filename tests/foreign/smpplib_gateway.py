"""A platform that is not this project's, at this project's message centre: PyPI's smpplib.

    smpplib_gateway.py PORT SYSTEM_ID PASSWORD PHONE PROOFS VALIDITY USER_DATA...

Binds as a transceiver, asks whether the centre is there, submits each user data for the card in the phone, waits for a receipt for
each and for so many messages of the card, unbinds. Prints as JSON what it saw. A centre that throttles is told, and nothing waited for.
"""

import json
import sys
import time

import smpplib.client
from smpplib import consts, exceptions, smpp

port, system_id, password, phone, proofs, validity = sys.argv[1:7]
messages = [bytes.fromhex(text) for text in sys.argv[7:]]
seen = {"ids": [], "proofs": [], "receipts": [], "throttled": 0, "enquired": False, "bound": None, "unbound": None}


def sent(pdu):
    # It is called for errors too, behind the handler of errors.
    if not pdu.is_error():
        seen["ids"].append(pdu.message_id.decode())


def received(pdu):
    if pdu.esm_class & 0x3C == 0x04:
        state = getattr(pdu, "message_state", None)
        seen["receipts"].append({
            "id": pdu.receipted_message_id.decode(),
            "state": state if isinstance(state, int) else ord(state),
            "text": pdu.short_message.decode(),
        })
    else:
        seen["proofs"].append({
            "from": pdu.source_addr.decode(),
            "ton": pdu.source_addr_ton,
            "to": pdu.destination_addr.decode(),
            "esm_class": pdu.esm_class,
            "protocol_id": pdu.protocol_id,
            "data_coding": pdu.data_coding,
            "user_data": pdu.short_message.hex(),
        })


def failed(pdu):
    if pdu.status == consts.SMPP_ESME_RINVEXPIRY:
        seen["failed"] = pdu.status
        return
    if pdu.status != consts.SMPP_ESME_RTHROTTLED:
        raise exceptions.PDUError(pdu.command, pdu.status)
    seen["throttled"] += 1


client = smpplib.client.Client("127.0.0.1", port, timeout=1, allow_unknown_opt_params=True)
client.set_message_sent_handler(sent)
client.set_message_received_handler(received)
client.set_error_pdu_handler(failed)
client.connect()
try:
    seen["bound"] = client.bind_transceiver(system_id=system_id, password=password).system_id.decode()
except exceptions.PDUError as error:
    print(json.dumps({"refused": error.args[1]}))
    client.disconnect()
    sys.exit()

client.send_pdu(smpp.make_pdu("enquire_link", client=client))
seen["enquired"] = client.read_pdu().command == "enquire_link_resp"

for message in messages:
    client.send_message(
        source_addr_ton=consts.SMPP_TON_UNK, source_addr_npi=consts.SMPP_NPI_ISDN, source_addr="10086",
        dest_addr_ton=consts.SMPP_TON_INTL, dest_addr_npi=consts.SMPP_NPI_ISDN, destination_addr=phone,
        esm_class=consts.SMPP_GSMFEAT_UDHI, protocol_id=0x7F, data_coding=0xF6, registered_delivery=1,
        short_message=message, validity_period=validity or None,
    )

until = time.monotonic() + 30
while time.monotonic() < until and seen["throttled"] == 0 and "failed" not in seen and (
        len(seen["receipts"]) < len(messages) or len(seen["proofs"]) < int(proofs)):
    client.read_once()

unbind = smpp.make_pdu("unbind", client=client)
client.send_pdu(unbind)
seen["unbound"] = client.read_pdu().command == "unbind_resp"
client.disconnect()
print(json.dumps(seen))
