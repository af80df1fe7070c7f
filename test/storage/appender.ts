import { writeSync } from 'node:fs';
import { admitted, heard, known, offered, open, released, returned } from './ward.ts';

/** A station that never stops: appends as fast as it can and says on its output what has become durable. To be killed. */
const [path = '', run = ''] = process.argv.slice(2);
const store = await open(path);
const tell = (line: string): void => {
  writeSync(1, `${line}\n`);
};
tell(`open ${store.size()}`);

async function shift(lane: number): Promise<never> {
  for (let turn = 0; ; turn += 1) {
    const device = `T${lane}-${turn % 5}`;
    const offer = `${run}-${lane}-${turn}`;
    const entries = known(await store.append([admitted(device), returned(device), offered(device, offer)], { meta: { [`lane ${lane}`]: offer } }));
    tell(`offer ${entries.at(-1)?.seq}`);
    const [first] = known(await store.append([released(device, offer), heard('noise '.repeat(turn % 40))]));
    tell(`entry ${(first?.seq ?? 0) + 1}`);
  }
}

await Promise.all(Array.from({ length: 6 }, (_, lane) => shift(lane)));
