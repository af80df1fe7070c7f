import { CHECKS, runCheck } from './checks.ts';

const failed = CHECKS.filter((check) => !runCheck(check));
process.stdout.write(`${CHECKS.length - failed.length} passed, ${failed.length} failed\n`);
process.exit(failed.length === 0 ? 0 : 1);
