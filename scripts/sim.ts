/** `npm run sim -- --seed N --runs N`: random histories of the release gate in the simulated ward. The same seed replays exactly. */
import { parseArgs } from 'node:util';
import { runHistory } from '../test/model/random-history.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '1000' } } });
const first = Number(values.seed);
const runs = Number(values.runs);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(runs) || runs < 1) {
  process.stderr.write('--seed and --runs are whole numbers, for example: npm run sim -- --seed 42 --runs 1000\n');
  process.exit(1);
}
let offers = 0;
let unclean = 0;
for (let seed = first; seed < first + runs; seed += 1) {
  const world = runHistory(seed);
  offers += world.offers();
  for (const what of world.unclean) {
    unclean += 1;
    process.stdout.write(`unclean offer in seed ${seed}: ${what}; replay with npm run sim -- --seed ${seed} --runs 1\n`);
  }
}
process.stdout.write(`${runs} histories, ${offers} offers, ${unclean} unclean\n`);
process.exit(unclean === 0 ? 0 : 1);
