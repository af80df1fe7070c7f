import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Held, Measured } from '../support/soak/measure.ts';
import type { SoakReport } from '../support/soak/soak.ts';
import { soakCommand, whyNoSoak, type SoakPlan } from '../support/soak/testbed.ts';

const LONG = process.env['DOCKWARD_LONG'] !== undefined;
const SEED = Number(process.env['DOCKWARD_SEED'] ?? Date.now() % 1_000_000);
const PLAN: SoakPlan = LONG
  ? { seed: SEED, rounds: 40, tapsPerRound: 125, cyclesPerRound: 25, misfortunesPerRound: 3, wedges: true, measuring: { warmUpRounds: 4, longLifeRounds: 8, taps: 90, cycles: 18 } }
  : { seed: SEED, rounds: 1, tapsPerRound: 60, cyclesPerRound: 15, misfortunesPerRound: 3, wedges: false };
const [TAPS, CYCLES] = [PLAN.rounds * PLAN.tapsPerRound, PLAN.rounds * PLAN.cyclesPerRound];
const DEADLINE_MS = LONG ? 45 * 60_000 : 120_000;
const KEPT_LINES = 40;
/** What may be added to anything between the warm-up and the end. */
const GROWTH = 1.05;

const reason = whyNoSoak();
let soaking: ChildProcess | undefined;

/** Its own progress goes to the console in the long run; otherwise only where it ended badly. */
function soak(): Promise<SoakReport> {
  const [program, ...args] = soakCommand(PLAN);
  const child = spawn(program, args, { stdio: 'pipe' });
  soaking = child;
  let last = '';
  const progress: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => (last = line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    progress.push(line);
    if (progress.length > KEPT_LINES) progress.shift();
    if (LONG) console.log(line);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(last) as SoakReport) : reject(new Error(`the soak (DOCKWARD_SEED=${SEED}) ended with ${code}:\n${progress.join('\n')}`))));
  });
}

afterAll(() => {
  // Everything in the namespaces ends with their first process.
  soaking?.kill('SIGKILL');
});

describe('soak: real pcscd, real adb server, genuine udev messages, the real device host and a real station', () => {
  const accounts = `${TAPS} taps and ${CYCLES} dock/undock cycles while pcscd, the adb server and the device host are killed: each is in the ledger exactly once, every gap in sight is an entry, and what lasts is found again`;
  const growth = 'memory, handles and processes are within 5 % of what they were after the warm-up';
  if (reason !== undefined) {
    it.skip(`${accounts} (skipped: ${reason})`, () => {});
    return;
  }
  let report: SoakReport;
  beforeAll(async () => {
    console.log(`seed ${SEED} (DOCKWARD_SEED=${SEED} plays these choices again)`);
    report = await soak();
    const { measured: _measured, ...figures } = report;
    console.log(JSON.stringify(figures, undefined, 2));
  }, DEADLINE_MS);

  it(accounts, () => {
    expect(report.wrong).toEqual([]);
    const { taps, bounced, overtaken } = report.taps;
    expect(taps - bounced - overtaken).toBeGreaterThanOrEqual(TAPS);
    expect(report.cycles.seen).toBeGreaterThanOrEqual(CYCLES);
    expect(report.slots.departures).toBeGreaterThanOrEqual(CYCLES);
    // A ledger in which nothing but refusals stands would balance too.
    for (const count of [report.taps.offered, report.taps.refused, report.slots.gaps]) expect(count).toBeGreaterThan(0);
    const { pcscd, adb, host, wedge } = report.misfortunes;
    const least = LONG ? 15 : 1;
    for (const count of [pcscd, adb, host]) expect(count).toBeGreaterThanOrEqual(least);
    if (!LONG) return;
    expect(wedge).toBeGreaterThan(0);
    for (const count of [report.taps.claimed, report.taps.unreadable, report.slots.longGaps]) expect(count).toBeGreaterThan(0);
  });

  if (LONG) {
    it(growth, () => {
      const { warm, young, end } = report.measured;
      if (warm === undefined || young === undefined || end === undefined) throw new Error('the soak did not measure');
      // The host that is measured after the warm-up and the young one have done the same since their start; the old one is that young one.
      const compared: readonly (readonly [string, number, number])[] = [
        ...grown('station', warm.station, end.station),
        ...grown('device host, as young', warm.host, young.host),
        ...grown('device host, in a long life', young.host, end.host),
        ['handles of pcscd', warm.pcscdHandles, end.pcscdHandles],
        ...counted(warm, end),
      ];
      for (const [what, before, after] of compared) console.log(`${what}: ${before} → ${after} (${((after / before - 1) * 100).toFixed(1)} %)`);
      expect(compared.filter(([, before, after]) => after > before * GROWTH)).toEqual([]);
    });
  }
});

function grown(whose: string, before: Held, after: Held): readonly (readonly [string, number, number])[] {
  return [
    [`${whose}: resident bytes`, before.rss, after.rss],
    [`${whose}: bytes held by JavaScript`, before.heldBytes, after.heldBytes],
    [`${whose}: handles`, before.handles, after.handles],
    [`${whose}: threads`, before.threads, after.threads],
  ];
}

const counted = (before: Measured, after: Measured): readonly (readonly [string, number, number])[] => [
  ['processes', before.processes, after.processes],
  ['threads of all processes', before.threads, after.threads],
];
