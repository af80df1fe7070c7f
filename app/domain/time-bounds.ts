/**
 * When an entry was really made, in the server's time. A station's wall clock is evidence, never order; what bounds an entry is
 * causality: a time signed by the server that the entry came after, a cosignature that it came before, and the station's monotonic
 * clock between an entry and such an anchor of the same boot. Across boots only order carries over.
 */

/** Where an entry stands in its station's own time: `monoMs` since the boot named `boot`. */
export interface Moment {
  readonly seq: number;
  readonly boot: string;
  readonly monoMs: number;
}

/** At `monoMs` of a boot it was not before, or not after, `atMs` of the server's clock. */
export interface Anchor {
  readonly monoMs: number;
  readonly atMs: number;
}

/** The anchors of one boot, over the entries `first` … `last` that it made. */
export interface BootTimes {
  readonly first: Moment;
  readonly last: Moment;
  readonly notBefore: readonly Anchor[];
  readonly notAfter: readonly Anchor[];
}

/** Unix milliseconds of the server's clock. What is left out is not known. */
export interface Bounds {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

/**
 * A monotonic clock may run fast or slow by this share: 200 µs per second, the drift that Spanner allows its clocks between two
 * looks at a time master (Corbett et al., OSDI 2012, §3); a PC's crystal is specified to 20–100 ppm.
 */
export const DRIFT = 200e-6;

/** Anchors kept per boot and side; leaving one out only widens bounds. */
const MOST_ANCHORS = 64;

/** The times of a boot with one more entry. `statedMs`: a time signed by the server that this entry records. Undefined: the entry begins another boot. */
export function withEntry(times: BootTimes, entry: Moment, statedMs?: number): BootTimes | undefined {
  if (entry.boot !== times.last.boot || entry.monoMs < times.last.monoMs) return undefined;
  return { ...times, last: entry, ...(statedMs === undefined ? {} : { notBefore: withAnchor(times.notBefore, { monoMs: entry.monoMs, atMs: statedMs }, lowerAt) }) };
}

/** The times of a boot that begins with this entry. */
export function bootOf(entry: Moment, statedMs?: number): BootTimes {
  return { first: entry, last: entry, notBefore: statedMs === undefined ? [] : [{ monoMs: entry.monoMs, atMs: statedMs }], notAfter: [] };
}

/** The times of a boot, one of whose entries was seen by the witness at `atMs`: what it had seen was not made after that. */
export function withCosignature(times: BootTimes, seen: Moment, atMs: number): BootTimes {
  return { ...times, notAfter: withAnchor(times.notAfter, { monoMs: seen.monoMs, atMs }, upperAt) };
}

/** What is known of this moment's time. `boots`: of its ledger, in order; those left out only widen the bounds. Anchors that contradict each other bound nothing. */
export function boundsOf(boots: readonly BootTimes[], moment: Moment): Bounds {
  let lower = Number.NEGATIVE_INFINITY;
  let upper = Number.POSITIVE_INFINITY;
  for (const { first, last, notBefore, notAfter } of boots) {
    const [earliest, latest] = moment.seq < first.seq ? [undefined, first] : moment.seq > last.seq ? [last, undefined] : [moment, moment];
    if (earliest) for (const anchor of notBefore) lower = Math.max(lower, lowerAt(anchor, earliest.monoMs));
    if (latest) for (const anchor of notAfter) upper = Math.min(upper, upperAt(anchor, latest.monoMs));
  }
  if (lower > upper) return {};
  return { ...(Number.isFinite(lower) ? { notBeforeMs: Math.floor(lower) } : {}), ...(Number.isFinite(upper) ? { notAfterMs: Math.ceil(upper) } : {}) };
}

/** The boots that bound entries of the boot in which `seq` stands: it, the last one before that heard a time, and the first one after that was seen. */
export function bootsAround(boots: readonly BootTimes[], seq: number): readonly BootTimes[] {
  const at = boots.findIndex(({ last }) => seq <= last.seq);
  if (at === -1) return boots.slice(-1);
  const before = boots.slice(0, at).findLast(({ notBefore }) => notBefore.length > 0);
  const after = boots.slice(at + 1).find(({ notAfter }) => notAfter.length > 0);
  return [...(before ? [before] : []), ...boots.slice(at, at + 1), ...(after ? [after] : [])];
}

/** The earliest that it can have been at `monoMs`, by an anchor of the same boot before or behind it. */
const lowerAt = ({ monoMs: from, atMs }: Anchor, monoMs: number): number => atMs + (monoMs - from) - DRIFT * Math.abs(monoMs - from);
/** The latest. */
const upperAt = ({ monoMs: from, atMs }: Anchor, monoMs: number): number => atMs + (monoMs - from) + DRIFT * Math.abs(monoMs - from);

/** Anchors that another one bounds at least as well everywhere are let go: then no reading between them can be tighter. */
function withAnchor(anchors: readonly Anchor[], next: Anchor, at: typeof lowerAt): readonly Anchor[] {
  const better = (a: Anchor, b: Anchor): boolean => (at === lowerAt ? lowerAt(a, b.monoMs) >= b.atMs : upperAt(a, b.monoMs) <= b.atMs);
  if (anchors.some((held) => better(held, next))) return anchors;
  const kept = [...anchors.filter((held) => !better(next, held)), next];
  return kept.length <= MOST_ANCHORS ? kept : thinned(kept, at);
}

/** Every second of the older half goes, but for the one that bounds the whole boot best. */
function thinned(anchors: readonly Anchor[], at: typeof lowerAt): readonly Anchor[] {
  const offset = ({ monoMs, atMs }: Anchor): number => (at === lowerAt ? atMs - monoMs : monoMs - atMs);
  const best = anchors.reduce((a, b) => (offset(b) > offset(a) ? b : a));
  return anchors.filter((anchor, index) => anchor === best || index >= anchors.length / 2 || index % 2 === 0);
}
