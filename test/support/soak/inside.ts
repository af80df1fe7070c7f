/**
 * The soak itself, in the testbed: `inside.ts PLAN`. Progress on standard error; the report, JSON, is the last line on standard output.
 * It ends with whoever holds its standard input open.
 */
import type { SoakPlan } from './testbed.ts';
import { runSoak } from './soak.ts';
import { currentTestbed } from '../pcsc/testbed.ts';

process.stdin.on('end', () => process.exit(1)).resume();
const testbed = currentTestbed();
if (testbed === undefined) throw new Error('the soak runs in its testbed only');
const report = await runSoak(testbed, JSON.parse(process.argv[2] ?? '') as SoakPlan, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
