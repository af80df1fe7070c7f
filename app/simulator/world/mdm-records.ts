/** What the simulated MDM holds. Everything is plain JSON so that it can be saved; times are of the MDM's own clock. */

export const MISBEHAVIOURS = [
  'late-enrolment',
  'command-lost',
  'command-expired',
  'wipe-acknowledged-not-done',
  'stale-enrolment-record',
  'delete-does-nothing',
  'profile-survives',
  'enrols-under-same-time',
  'enrols-twice',
  'old-command-replayed',
  'wrong-serial',
  'unlock-token-kept',
  'adb-left-on',
  'update-never-ends',
  'update-fails',
  'lists-twice',
  'throttled',
  'server-error',
  'token-rejected',
] as const;
export type Misbehaviour = (typeof MISBEHAVIOURS)[number];

/** `times` cases, of one serial or of anybody; `ms` where the misbehaviour has a length. */
export interface Mischief {
  readonly fault: Misbehaviour;
  readonly serial?: string;
  readonly ms?: number;
  times: number;
}

export interface StatusReport {
  readonly atMs: number;
  readonly profile: string | null;
  readonly patchLevel: string;
  /** Left out by a program that knew nothing of updates. */
  readonly updateWaits?: boolean;
  readonly compliant: boolean;
  readonly rooted: boolean;
  readonly adbEnabled: boolean;
}

export interface MdmRecord {
  /** `enterprises/<enterprise>/devices/<id>` */
  readonly name: string;
  /** The serial that the record shows. */
  readonly serial: string;
  /** The tablet that it really belongs to. */
  readonly tablet: string;
  /** In chronological order. */
  readonly previous: readonly string[];
  readonly enrolledMs: number;
  policy: string;
  state: 'active' | 'provisioning' | 'disabled' | 'deleted';
  report?: StatusReport;
}

export interface MdmOperation {
  /** `<device name>/operations/<id>` */
  readonly name: string;
  readonly device: string;
  readonly type: 'WIPE' | 'RESET_PASSWORD';
  /** The reason given with the command. */
  readonly reason: string;
  readonly createdMs: number;
  readonly durationMs: number;
  state: 'pending' | 'confirmed' | 'expired' | 'failed';
}

/** Something that will happen; `atMs` of the MDM's clock, `order` breaks ties. */
export type MdmEvent = { readonly atMs: number; readonly order: number; readonly serial: string } & (
  | { readonly kind: 'deliver'; readonly operation: string }
  | { readonly kind: 'expire'; readonly operation: string }
  | { readonly kind: 'erased'; readonly operation?: string }
  | { readonly kind: 'enrol'; readonly operation?: string }
  /** The tablet fetches the policy that its record is under. */
  | { readonly kind: 'policy'; readonly record: string }
  | { readonly kind: 'downloaded'; readonly record: string }
  | { readonly kind: 'installed'; readonly record: string; readonly failed: boolean }
  | { readonly kind: 'settle'; readonly record: string }
  | { readonly kind: 'report'; readonly record: string }
);

export interface MdmState {
  records: MdmRecord[];
  operations: MdmOperation[];
  events: MdmEvent[];
  /** Events whose tablet could not be reached; they happen when it can. */
  parked: MdmEvent[];
  mischief: Mischief[];
  /** Bodies of the policies that somebody wrote, by id; those of the wards are there without. */
  policies?: Record<string, Readonly<Record<string, unknown>>>;
  order: number;
}

/** How long things take, milliseconds, [shortest, longest]. `replay` is the time until a replayed command strikes. */
export interface MdmPace {
  readonly deliver: readonly [number, number];
  readonly erase: readonly [number, number];
  readonly enrol: readonly [number, number];
  readonly report: readonly [number, number];
  /** Of a system update; left out: as in `DEMO_PACE`. */
  readonly download?: readonly [number, number];
  readonly install?: readonly [number, number];
  readonly settle: number;
  readonly replay: number;
  readonly reportEvery: number;
}

/** Wipe and new enrolment in 2–5 s, an update in 4–7 s: quick enough to watch. */
export const DEMO_PACE: Required<MdmPace> = { deliver: [200, 700], erase: [800, 2000], enrol: [700, 1800], report: [200, 500], download: [1000, 2500], install: [1500, 3000], settle: 60_000, replay: 20_000, reportEvery: 3_600_000 };
