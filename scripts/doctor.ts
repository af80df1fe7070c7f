/**
 * `npm run doctor`: what this machine has and lacks as a cart, and how to mend each. `--learn 1-16`: makes the cart map instead: one tablet
 * is plugged through the slots, and `ports` of the configuration are printed for a person to look at.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../native/clock.ts';
import { learnPorts, learnSentence } from '../native/usb/learn-ports.ts';
import { badgeReaders } from './doctor/badge-readers.ts';
import { readCart } from './doctor/cart-config.ts';
import { missingIn, report, type Group } from './doctor/finding.ts';
import { hub } from './doctor/hub.ts';
import { program } from './doctor/program.ts';
import { userName } from './doctor/rights.ts';
import { slots } from './doctor/slots.ts';
import { tablets } from './doctor/tablets.ts';
import { readBus } from './doctor/usb-bus.ts';

const USAGE = `npm run doctor -- [--config FILE | --data DIR] [--learn 1-16]

What this machine has and lacks as a cart, what that means, and what mends it.
  --config FILE   judge it by this station.json: only what that uses can be missing
  --data DIR      the same, by the station.json in a station's data folder
  --learn 1-16    make the cart map: plug one tablet through these slots, get "ports" for station.json
Exit code: 0 nothing needed is missing, 1 something is, 64 it was called wrongly.
`;
const EXIT_MISSING = 1;
const EXIT_USAGE = 64;
const LARGEST_SLOT = 99;

/** Native modules hold threads that nothing ends but the end of the process. */
function end(code: number): never {
  process.exit(code);
}

function wrongly(why: string): never {
  process.stderr.write(`${why}\n\n${USAGE}`);
  return end(EXIT_USAGE);
}

function flags(): { readonly config?: string; readonly data?: string; readonly learn?: string; readonly help?: boolean } {
  try {
    return parseArgs({ options: { config: { type: 'string' }, data: { type: 'string' }, learn: { type: 'string' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    return wrongly(error instanceof Error ? error.message : String(error));
  }
}

async function examine(config: string | undefined, data: string | undefined): Promise<number> {
  const [cart, bus, user] = [await readCart({ config, data }), await readBus(), userName()];
  const found = await Promise.all([
    badgeReaders(cart.config, user),
    slots(cart.config, bus),
    hub(cart.config, bus, user),
    tablets(cart.config, bus, user),
    program(cart.trouble, user),
  ]);
  const names = ['Badge readers', 'Slots and USB', 'Hub', 'Tablets', 'Program'];
  const groups = found.map((findings, index): Group => ({ name: names[index] ?? '', findings }));
  process.stdout.write(report(cart.heading, groups));
  return missingIn(groups) === 0 ? 0 : EXIT_MISSING;
}

/** `1-16` or `7`; undefined where it names no slots. */
function slotsOf(range: string): readonly number[] | undefined {
  const named = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(range);
  const first = Number(named?.[1]);
  const last = Number(named?.[2] ?? named?.[1]);
  const isRange = named !== null && first >= 1 && first <= last && last <= LARGEST_SLOT;
  return isRange ? Array.from({ length: last - first + 1 }, (_, n) => first + n) : undefined;
}

/** Gives the exit code. */
async function learnCart(slots: readonly number[]): Promise<number> {
  const learning = learnPorts({ clock: systemClock, slots, onStep: ({ step }) => process.stdout.write(`${learnSentence(step)}\n`) });
  try {
    const ports = await learning.done;
    process.stdout.write(`If this is how the cart stands, put it into station.json:\n"ports": ${JSON.stringify(ports)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`The cart map cannot be learned: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await learning.stop();
  }
}

const { config, data, learn, help } = flags();
if (help === true) {
  process.stdout.write(USAGE);
  end(0);
}
if (learn === undefined) end(await examine(config, data));
end(await learnCart(slotsOf(learn) ?? wrongly('Say which slots to learn, such as --learn 1-16.')));
