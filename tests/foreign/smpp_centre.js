// A message centre that is not this project's, for this project's link: npm's smpp.
//
//     node smpp_centre.js FOLDER-OF-SMPP SYSTEM_ID PASSWORD
//
// Tells on its output, a line of JSON each, its port and what comes. Takes orders on its input, a line of JSON each:
//   {"answer": "ESME_ROK" | "ESME_RTHROTTLED" | … | "drop"}       to the next submit_sm; drop ends the connection without an answer
//   {"deliver": HEX, "from": NUMBER, "esm_class": N, "pieces": N} a deliver_sm, written in pieces
//   {"receipt": ID, "from": NUMBER, "state": N, "text": TEXT}     a delivery receipt
//   {"ask": "enquire_link" | "query_sm" | "unbind"}
"use strict";
const [folder, systemId, password] = process.argv.slice(2);
const smpp = require(folder);
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
let current = null;
const answers = [];
let last = 0;

const server = smpp.createServer((session) => {
  current = session;
  session.on("error", (error) => tell({ error: String(error) }));
  session.on("close", () => tell({ closed: true }));
  session.on("pdu", (pdu) => {
    if (pdu.command === "bind_transceiver") {
      const status = pdu.system_id === systemId && pdu.password === password ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;
      session.send(pdu.response({ command_status: status, system_id: "node" }));
      tell({ bind: pdu.system_id, version: pdu.interface_version, status });
    } else if (pdu.command === "submit_sm") {
      // The header comes as its elements, without its length.
      const { udh, message } = pdu.short_message;
      const elements = Buffer.concat([].concat(udh));
      tell({
        submit: pdu.destination_addr, ton: pdu.dest_addr_ton, npi: pdu.dest_addr_npi, source: pdu.source_addr,
        source_ton: pdu.source_addr_ton, esm_class: pdu.esm_class, protocol_id: pdu.protocol_id, data_coding: pdu.data_coding,
        valid_seconds: Math.round((pdu.validity_period - Date.now()) / 1000),
        registered_delivery: pdu.registered_delivery, sequence: pdu.sequence_number,
        header: Buffer.concat([Buffer.from([elements.length]), elements]).toString("hex"), body: Buffer.from(message).toString("hex"),
      });
      const answer = answers.shift() || "ESME_ROK";
      if (answer === "drop") return session.destroy();
      const taken = answer === "ESME_ROK" ? { message_id: `node-${++last}` } : {};
      session.send(pdu.response({ command_status: smpp[answer], ...taken }));
    } else if (pdu.command === "enquire_link" || pdu.command === "unbind") {
      session.send(pdu.response());
      tell({ asked: pdu.command });
    } else {
      tell({ answered: pdu.command, status: pdu.command_status, sequence: pdu.sequence_number });
    }
  });
});

const write = (pdu, pieces) => {
  const bytes = pdu.toBuffer();
  const length = Math.ceil(bytes.length / pieces);
  for (let at = 0, number = 0; at < bytes.length; at += length, number++) {
    setTimeout(() => current.socket.write(bytes.subarray(at, at + length)), 5 * number);
  }
};
let sequence = 1000;

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  const phone = { source_addr: order.from, source_addr_ton: 1, source_addr_npi: 1, destination_addr: "10086", sequence_number: ++sequence };
  if (order.answer) {
    answers.push(order.answer);
    tell({ ready: order.answer });
  } else if (order.deliver) {
    write(new smpp.PDU("deliver_sm", {
      ...phone, esm_class: order.esm_class, protocol_id: 0x7f, data_coding: 0xf6, short_message: Buffer.from(order.deliver, "hex"),
    }), order.pieces || 1);
  } else if (order.receipt !== undefined) {
    const parameters = order.state ? { receipted_message_id: order.receipt, message_state: order.state } : {};
    write(new smpp.PDU("deliver_sm", { ...phone, esm_class: 4, short_message: Buffer.from(order.text || ""), ...parameters }), 1);
  } else if (order.ask) {
    write(new smpp.PDU(order.ask, { sequence_number: sequence }), 1);
  }
}).on("close", () => process.exit());

server.listen(0, "127.0.0.1", () => tell({ port: server.address().port }));
