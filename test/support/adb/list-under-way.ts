import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { waitFor } from '../pcsc/wait-for.ts';
import { conversingClock } from './conversing-clock.ts';
import { counted, scriptedServer } from './scripted-server.ts';
import { watchedAdapter } from './watched-adapter.ts';

const SERIAL = 'R52T100ABCD';
const LIST = counted(`${SERIAL} unauthorized usb:1-1.1 transport_id:1\n`);

/** An adapter that knows one tablet and has asked for the list anew, and a server that has not answered; both end with the test. */
export async function listUnderWay() {
  const clock = conversingClock();
  const trackers: Socket[] = [];
  const questions: Socket[] = [];
  const server = await scriptedServer((service, socket) => {
    if (service === 'host:devices-l') return void questions.push(socket);
    trackers.push(socket);
    socket.write(`OKAY${LIST}`);
  });
  onTestFinished(() => server.close());
  const watched = watchedAdapter({ clock, port: server.port });
  onTestFinished(() => watched.stop());
  await watched.until(SERIAL, 'unauthorised');
  clock.advance(1_000);
  const question = await waitFor('the question', () => questions[0]);
  return {
    clock,
    server,
    watched,
    serial: SERIAL,
    /** Over which the server tells of changes. */
    tracker: trackers[0],
    /** Answers with the list as it was when it was asked for. */
    answer: () => question.end(`OKAY${LIST}`),
  };
}
