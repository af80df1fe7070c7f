/** `npm run bench [-- --json]`: every figure with its floor and ratio, floors measured in the same run. */
import { benchBacklog } from './bench/backlog.ts';
import { benchBoot } from './bench/boot.ts';
import { benchIdle } from './bench/idle.ts';
import { benchIngest } from './bench/ingest.ts';
import { benchLedger, type Row } from './bench/ledger.ts';
import { benchNight } from './bench/night.ts';
import { benchPainted } from './bench/painted.ts';
import { benchReader } from './bench/reader.ts';
import { benchTap } from './bench/tap.ts';
import { benchUndock } from './bench/undock.ts';
import { benchVerify } from './bench/verify.ts';

const ledger = await benchLedger();
const floorOf = (name: string): number => {
  const found = ledger.find((row) => row.name === name);
  if (!found) throw new Error(`the bench has no row "${name}"`);
  return found.value;
};
const rows: Row[] = [
  ...ledger,
  ...(await benchTap({ appendMs: floorOf('durable append, one entry'), signatureMs: floorOf('one Ed25519 signature of a checkpoint') })),
  ...(await benchPainted()),
  ...(await benchReader()),
  ...(await benchUndock()),
  ...(await benchIdle()),
  ...benchNight(),
  ...(await benchBoot()),
  ...(await benchVerify()),
  ...(await benchIngest()),
  ...(await benchBacklog()),
];

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(rows)}\n`);
else {
  const shown = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
  for (const { name, value, unit, floor, ratio, goal, met } of rows) {
    process.stdout.write(`${met ? 'met   ' : 'MISSED'}  ${name.padEnd(72)} ${shown(value).padStart(8)} ${unit.padEnd(9)} floor ${shown(floor).padStart(8)}  ${shown(ratio).padStart(6)} ×  goal ${goal}\n`);
  }
}
process.exit(0);
