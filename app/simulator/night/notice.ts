import type { Directory, NightRules } from '../directory.ts';
import type { Happenings } from '../happenings.ts';
import type { Cart } from '../world/cart.ts';
import type { NightView } from './night-view.ts';
import { readyByWard, tabletCounts } from './truth.ts';

const MOST_MARKS = 40;

export interface NoticeDeps {
  readonly cart: Cart;
  readonly directory: Directory;
  readonly happenings: Happenings;
  readonly rules: NightRules;
  readonly networkUp: () => boolean;
  readonly stationRuns: () => boolean;
}

/** What is worth remembering of a night: since when a ward has what it needs, and what went wrong when. */
export interface Notice {
  /** Looks at the world, told at every step; `nowMs` is the world's time. */
  look(nowMs: number): void;
  /** When anything was last told of anything. */
  lastChangeMs(): number;
  wards(): NightView['wards'];
  marks(): NightView['marks'];
}

export function createNotice({ cart, directory, happenings, rules, networkUp, stationRuns }: NoticeDeps, beganMs: number): Notice {
  const met = new Map<string, string>();
  const marks: NightView['marks'] = [];
  let before = { up: true, runs: true, stuck: tabletCounts(cart).stuck };
  let last = { line: 0, atMs: beganMs };

  const nameOf = (id: string): string => directory.wards.find((ward) => ward.id === id)?.name ?? id;

  function needs(at: string): void {
    for (const { ward, needed, clean } of readyByWard(cart, directory, rules)) {
      if (clean < needed) {
        if (met.delete(ward)) happenings.say('night', `${nameOf(ward)} is short again: ${clean} of ${needed}`);
      } else if (!met.has(ward)) {
        met.set(ward, at);
        happenings.say('night', `${nameOf(ward)} has what the morning needs: ${needed} tablets truly clean`);
      }
    }
  }

  function troubles(at: string): void {
    const now = { up: networkUp(), runs: stationRuns(), stuck: tabletCounts(cart).stuck };
    const mark = (kind: NightView['marks'][number]['kind']): void => void (marks.length < MOST_MARKS && marks.push({ at, kind }));
    if (now.up !== before.up) mark(now.up ? 'network-up' : 'network-down');
    if (before.runs && !now.runs) mark('power');
    if (now.stuck > before.stuck) mark('stuck');
    before = now;
  }

  return {
    look(nowMs) {
      const at = new Date(nowMs).toISOString();
      needs(at);
      troubles(at);
      const line = happenings.lines()[0]?.number ?? 0;
      if (line !== last.line) last = { line, atMs: nowMs };
    },
    lastChangeMs: () => last.atMs,
    wards: () => readyByWard(cart, directory, rules).map(({ ward, needed, clean }) => ({ name: nameOf(ward), needed, clean, metAt: met.get(ward) ?? null })),
    marks: () => [...marks],
  };
}
