import { parentProcessTransport } from '../../app/transport/child-process.ts';

/** Stands where the device host stands: notes when the reader reported the card, and sends the tap in the same breath. */
const parent = parentProcessTransport(process);
parent.onMessage((message) => {
  const reportedNs = String(process.hrtime.bigint());
  parent.send({ reportedNs, event: message });
});
