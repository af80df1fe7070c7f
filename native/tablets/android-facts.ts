import { tabletFacts, type BATTERY_HEALTH, type TabletFacts } from '../../app/contract/device-host.ts';
import { ok, refused, type Result } from '../../app/domain/result.ts';

/** What is asked of a tablet at once. None of it changes anything on it. */
export type AndroidQuestion = 'whole' | 'battery';

const COMMANDS = {
  properties: 'getprop',
  battery: 'dumpsys battery',
  provisioned: 'settings get global device_provisioned',
} as const;
type Part = keyof typeof COMMANDS;
const PARTS: Readonly<Record<AndroidQuestion, readonly Part[]>> = { whole: ['properties', 'battery', 'provisioned'], battery: ['battery'] };
const END = 'dockward-end';
const END_LINE = /^dockward-end (\d{1,3})\r?$/;

/** The line for the tablet's shell: every command is followed by a line that says it has ended, and how. */
export function shellLine(question: AndroidQuestion): string {
  return PARTS[question].map((part) => `${COMMANDS[part]}; echo "${END} $?"`).join('; ');
}

export interface AndroidReading {
  readonly facts: TabletFacts;
  /** Some command failed, as while Android starts: worth asking the whole again. */
  readonly partial: boolean;
}

/** Reads what `shellLine` printed. What does not parse is left out; `malformed` where the commands' ends are not as asked. */
export function androidFacts(question: AndroidQuestion, output: string): Result<AndroidReading, 'malformed'> {
  const sections = sectionsOf(output);
  const parts = PARTS[question];
  if (sections.length !== parts.length) return refused('malformed');
  let facts: TabletFacts = {};
  let partial = false;
  for (const [index, part] of parts.entries()) {
    const section = sections[index];
    const told = section?.exit === 0 ? READERS[part](section.text) : {};
    if (Object.keys(told).length === 0) partial = true;
    facts = { ...facts, ...told };
  }
  return ok({ facts, partial });
}

const READERS: Readonly<Record<Part, (text: string) => TabletFacts>> = {
  properties: (text) => buildFacts(parseProperties(text)),
  battery: batteryFacts,
  provisioned: provisionedFact,
};

/** Undefined ends: what follows the last end line is no section. */
function sectionsOf(output: string): readonly { readonly text: string; readonly exit: number }[] {
  const sections: { text: string; exit: number }[] = [];
  let lines: string[] = [];
  for (const line of output.split('\n')) {
    const exit = END_LINE.exec(line)?.[1];
    if (exit === undefined) lines.push(line);
    else {
      sections.push({ text: lines.join('\n'), exit: Number(exit) });
      lines = [];
    }
  }
  return lines.every((line) => line === '') ? sections : [];
}

/** Properties by name as `getprop` prints them, one a line. One that is told twice and differently is not told at all. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  return toldOnce(text.split('\n').map((line) => /^\[([^\]]+)\]: \[(.*)\]\r?$/.exec(line)));
}

function toldOnce(matches: readonly (RegExpExecArray | null)[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const contradicted = new Set<string>();
  for (const match of matches) {
    const [, key, value] = match ?? [];
    if (key === undefined || value === undefined) continue;
    if (values.has(key) && values.get(key) !== value) contradicted.add(key);
    values.set(key, value);
  }
  for (const key of contradicted) values.delete(key);
  return values;
}

function buildFacts(properties: ReadonlyMap<string, string>): TabletFacts {
  const build = known('build', properties.get('ro.build.fingerprint'));
  return {
    ...known('manufacturer', properties.get('ro.product.manufacturer')),
    ...known('model', properties.get('ro.product.model')),
    ...known('osVersion', properties.get('ro.build.version.release')),
    ...(build.build === undefined ? known('build', properties.get('ro.build.display.id')) : build),
    ...known('securityPatch', properties.get('ro.build.version.security_patch')),
    ...known('verifiedBoot', properties.get('ro.boot.verifiedbootstate')),
  };
}

/** The fact as the contract has it, or none: control characters and broken UTF-8 are no fact either. */
function known(name: keyof TabletFacts, value: unknown): TabletFacts {
  const plain = typeof value === 'string' ? value.trim() : value;
  if (plain === undefined || (typeof plain === 'string' && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/u.test(plain))) return {};
  const parsed = tabletFacts.safeParse({ [name]: plain });
  return parsed.success ? parsed.data : {};
}

/** `BatteryManager.BATTERY_STATUS_*`. A full battery on power counts as charging, as `BatteryManager.isCharging` has it. */
const CHARGING: Readonly<Record<string, boolean>> = { '2': true, '3': false, '4': false, '5': true };

/** `BatteryManager.BATTERY_HEALTH_*`; an unspecified failure (6) says nothing that could be acted on. */
const HEALTH: Readonly<Record<string, (typeof BATTERY_HEALTH)[number]>> = { '2': 'good', '3': 'overheated', '4': 'dead', '5': 'over-voltage', '7': 'cold' };

/** Reads `dumpsys battery`. A tablet whose battery is played (`dumpsys battery set`) tells nothing about it. */
export function batteryFacts(text: string): TabletFacts {
  if (text.includes('UPDATES STOPPED')) return {};
  const values = toldOnce(text.split('\n').map((line) => /^ +([A-Za-z ]+): (\S+)\r?$/.exec(line)));
  const [level, scale] = [whole(values.get('level')), whole(values.get('scale'))];
  const measured = level !== undefined && scale !== undefined && scale > 0 && values.get('present') !== 'false';
  const charging = CHARGING[values.get('status') ?? ''];
  const health = HEALTH[values.get('health') ?? ''];
  return {
    ...(measured ? known('batteryPercent', Math.floor((level * 100) / scale)) : {}),
    ...(charging === undefined ? {} : { charging }),
    ...celsius(values.get('temperature')),
    ...(health === undefined ? {} : { batteryHealth: health }),
  };
}

/** Told in tenths of a degree. */
function celsius(tenths: string | undefined): TabletFacts {
  return tenths !== undefined && /^-?\d{1,4}$/.test(tenths) ? known('batteryCelsius', Math.trunc(Number(tenths) / 10)) : {};
}

function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

export function provisionedFact(text: string): TabletFacts {
  const told = text.trim();
  return told === '1' || told === '0' ? { provisioned: told === '1' } : {};
}
