import { judgeLabel } from '../domain/label-scan.ts';
import type { Record } from './record.ts';
import { say } from './say.ts';
import type { StationContext } from './state.ts';

const SAID_MS = 8_000;

/** An asset label before the scanner (R2.2): a tablet without power is said to be back, and the record keeps who had it until it can tell so itself. */
export function createScanLabel(context: StationContext, record: Record): (label: string) => Promise<void> {
  return async (label) => {
    const scan = judgeLabel(label, context.deps.store.view.all('device'));
    switch (scan.kind) {
      case 'said-back': {
        if (scan.draft && !(await record([scan.draft]))) return;
        const name = scan.actor === undefined ? '' : context.nameOf(scan.actor);
        return say(context, { kind: 'label', what: 'said-back', asset: scan.device.asset || label, ...(name === '' ? {} : { name }) }, SAID_MS);
      }
      case 'in-cart':
        return say(context, { kind: 'label', what: 'in-cart', asset: scan.device.asset || label, slot: scan.slot }, SAID_MS);
      case 'not-out':
        return say(context, { kind: 'label', what: 'not-out', asset: scan.device.asset || label }, SAID_MS);
      case 'unknown':
        return say(context, { kind: 'label', what: 'unknown', asset: label }, SAID_MS);
    }
  };
}
