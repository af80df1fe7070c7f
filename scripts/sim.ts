/**
 * `npm run sim -- --seed N --runs N`: several carts and one server under seeded misfortunes; `--trace` tells one run whole.
 * `npm run sim -- --gate …`: random histories of the release gate in the simulated ward. The same seed replays exactly.
 */
import { parseArgs } from 'node:util';
import { runHistory } from '../test/model/random-history.ts';
import type { Counts } from '../test/sim/outcome.ts';
import { play } from '../test/sim/world.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, runs: { type: 'string' }, gate: { type: 'boolean', default: false }, trace: { type: 'boolean', default: false } } });
const first = Number(values.seed);
const runs = Number(values.runs ?? (values.gate ? '1000' : '300'));
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(runs) || runs < 1) {
  process.stderr.write('--seed and --runs are whole numbers, for example: npm run sim -- --seed 42 --runs 1000\n');
  process.exit(1);
}
const WORDS: Readonly<Record<string, string>> = { serverDeaths: 'server deaths', lost: 'messages lost', doubled: 'doubled', overtaken: 'overtaken', busy: 'told to wait', epochs: 'new epochs', clockTurns: 'clocks turned', diskRestores: 'disks restored', serverRestores: 'servers restored' };

process.exit((values.gate ? playGate() : await playCarts()) ? 0 : 1);

async function playCarts(): Promise<boolean> {
  const total = new Map<string, number>();
  let diverged = 0;
  for (let seed = first; seed < first + runs; seed += 1) {
    const { divergences, counts, traceHash } = await play(seed, {}, values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined);
    for (const [what, times] of Object.entries(counts) as [keyof Counts, number][]) total.set(what, (total.get(what) ?? 0) + times);
    if (values.trace) process.stdout.write(`seed ${seed}: trace ${traceHash}\n`);
    if (divergences.length === 0) continue;
    diverged += 1;
    process.stdout.write(`seed ${seed} diverges, replay with npm run sim -- --seed ${seed} --runs 1 --trace\n`);
    for (const what of divergences) process.stdout.write(`  ${what}\n`);
  }
  process.stdout.write(`${runs} seeds, ${[...total].map(([what, times]) => `${times} ${WORDS[what] ?? what}`).join(', ')}, ${diverged} diverged\n`);
  return diverged === 0;
}

function playGate(): boolean {
  let offers = 0;
  let unclean = 0;
  for (let seed = first; seed < first + runs; seed += 1) {
    const world = runHistory(seed);
    offers += world.offers();
    for (const what of world.unclean) {
      unclean += 1;
      process.stdout.write(`unclean offer in seed ${seed}: ${what}; replay with npm run sim -- --gate --seed ${seed} --runs 1\n`);
    }
  }
  process.stdout.write(`${runs} histories, ${offers} offers, ${unclean} unclean\n`);
  return unclean === 0;
}
