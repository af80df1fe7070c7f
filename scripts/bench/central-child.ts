import { startTestCentral } from '../../test/central/demo-central.ts';
import { startTestPostgres } from '../../test/support/postgres.ts';
import { parentProcessTransport } from '../../app/transport/child-process.ts';

/**
 * A central server on a PostgreSQL of its own, in a process of its own as in life. Its clock starts `agoMs` in the past; told to, it
 * goes to now.
 */
const [agoMs = '0'] = process.argv.slice(2);
const parent = parentProcessTransport(process);
const postgres = await startTestPostgres();
const central = await startTestCentral(await postgres.createDatabase());
central.clock.ms = Date.now() - Number(agoMs);
parent.onMessage((message) => {
  if (message === 'now') {
    central.clock.ms = Date.now();
    parent.send('now');
    return;
  }
  stop();
});
process.once('disconnect', stop);
function stop(): void {
  void central
    .close()
    .then(() => postgres.stop())
    .then(() => process.exit(0));
}

const code = await central.makeCode({ ward: '7e', cart: 'Bench' });
if (!code.ok) throw new Error(code.reason.message);
parent.send({ url: central.stationUrl, code: code.value.code });
