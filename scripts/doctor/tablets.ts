import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { StationConfig } from '../../app/station/config.ts';
import type { TabletFacts } from '../../app/contract/device-host.ts';
import type { TabletEvent } from '../../native/adapters.ts';
import { systemClock } from '../../native/clock.ts';
import { adbTablets } from '../../native/tablets/adb.ts';
import { appleTablets } from '../../native/tablets/apple.ts';
import { missing, ok, optional, type Finding } from './finding.ts';
import { look, standingOf } from './look.ts';
import { home, may, udevSteps } from './rights.ts';
import type { Bus } from './usb-bus.ts';

type AskAdb = NonNullable<StationConfig['tablets']['adb']>;
type Told = Extract<TabletEvent, { event: 'tablet' }>;

const NOT_ASKED = 'The cart works without: it needs a tablet’s USB serial only.';
const TELLS_NOTHING = 'The cart works without what it would tell: it knows it by its USB serial.';
const NO_FACTS = 'Battery, system version and boot state of tablets are not known to this cart.';

/** What tablets tell of themselves. Optional on every cart, so missing only where the configuration asks for it. */
export async function tablets(config: StationConfig | undefined, bus: Bus, user: string): Promise<readonly Finding[]> {
  const asked = config?.tablets ?? {};
  return [...(await android(asked.adb, config !== undefined, bus, user)), ...(await apples(asked.apple, config !== undefined))];
}

async function android(asked: AskAdb | undefined, isJudged: boolean, bus: Bus, user: string): Promise<readonly Finding[]> {
  if (asked === undefined && isJudged) return [optional('Android tablets: not asked ("tablets": {"adb": {}} in station.json asks them)', NOT_ASKED)];
  const port = asked?.port ?? 5_037;
  // Never started from here: a server that a doctor leaves behind would belong to the wrong user.
  const letIn = [...bus.values()].flatMap(({ adb, serial }) => (adb && serial !== undefined ? [serial] : []));
  const { standing, told } = await tabletsBy((sink) => adbTablets({ clock: systemClock, port }).start(sink), letIn);
  const closed = await closedNodes(bus, asked !== undefined, user);
  if (standing?.state === 'working') return [ok(`adb server on port ${port}: answers${asked === undefined ? '; "tablets": {"adb": {}} in station.json asks tablets through it' : ''}`), ...told.map(androidOne), ...closed];
  if (asked === undefined) return [optional('Android tablets: no adb server answers', NOT_ASKED, ['to ask them all the same: apt-get install adb, and "tablets": {"adb": {"start": true}} in station.json'])];
  if (standing?.state === 'failing') return [missing(`adb: ${standing.detail ?? `what answers on port ${port} is no adb server`}`, NO_FACTS, [`adb -P ${port} kill-server; adb -P ${port} start-server   (as ${user})`]), ...closed];
  return [await notStarted(asked, user), ...closed];
}

/** No server answers: either the station starts it, and can, or somebody has to. */
async function notStarted({ port, start }: AskAdb, user: string): Promise<Finding> {
  const what = `no adb server answers on port ${port}`;
  if (spawnSync('adb', ['version']).error !== undefined) return missing(`${what}, and there is no program adb to start it`, NO_FACTS, ['apt-get install adb']);
  const keys = join(home(), '.android');
  if (!(await may(keys, 'write')) && !(await may(home(), 'write'))) {
    return missing(`${what}, and the user ${user} cannot start it: it keeps its key in ${keys}, which that user may not write`, NO_FACTS, [`install -d -o ${user} -m 0700 ${keys}   (and set HOME where the station runs as a service)`]);
  }
  if (start) return ok(`${what}: the station starts it ("start": true)`);
  return missing(what, NO_FACTS, [`adb -P ${port} start-server   (as ${user}), or "tablets": {"adb": {"start": true}} in station.json: the station then does it`]);
}

/** Tablets that let adb in, and this user may not open: neither could an adb server of this user. */
async function closedNodes(bus: Bus, isNeeded: boolean, user: string): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const { adb, node, product, port } of bus.values()) {
    if (!adb || (await may(node, 'read and write'))) continue;
    const what = `${product} on port ${port}: the user ${user} may not read and write ${node}`;
    found.push(isNeeded ? missing(what, 'An adb server of this user cannot open the tablet: it tells nothing.', udevSteps(user)) : optional(what, NOT_ASKED, udevSteps(user)));
  }
  return found;
}

function androidOne(event: Told): Finding {
  return one('Android', event, ['allow this cart on the tablet’s screen ("always allow from this computer")']);
}

async function apples(asked: StationConfig['tablets']['apple'], isJudged: boolean): Promise<readonly Finding[]> {
  if (asked === undefined && isJudged) return [optional('Apple tablets: not asked ("tablets": {"apple": {}} in station.json asks them)', NOT_ASKED)];
  const socket = asked?.socket;
  const { standing, told } = await tabletsBy((sink) => appleTablets({ clock: systemClock, ...(socket === undefined ? {} : { address: { path: socket } }) }).start(sink));
  if (standing?.state === 'working') return [ok(`usbmuxd: answers${asked === undefined ? '; "tablets": {"apple": {}} in station.json asks tablets through it' : ''}`), ...told.map((event) => one('Apple', event, ['idevicepair pair, then "Trust" on the tablet’s screen']))];
  if (standing?.state === 'failing' && asked !== undefined) return [missing(`Apple tablets: ${standing.detail ?? 'usbmuxd fails'}`, NO_FACTS, ['systemctl restart usbmuxd'])];
  // It starts with the first tablet and ends with the last.
  return [optional('Apple tablets: usbmuxd is not running', 'It starts with the first Apple tablet that is plugged in. If one is, it is missing.', ['apt-get install usbmuxd'])];
}

interface Asked {
  readonly standing: ReturnType<typeof standingOf<TabletEvent>>;
  readonly told: readonly Told[];
}

/** `awaited`: serials of tablets that are known to be there. */
async function tabletsBy(start: (sink: (event: TabletEvent) => void) => { stop(): Promise<void> }, awaited: readonly string[] = []): Promise<Asked> {
  const isTold = (events: readonly TabletEvent[], serial: string): boolean => events.some((event) => event.event === 'tablet' && event.serial === serial && event.standing !== 'offline');
  const events = await look(start, (events) => awaited.some((serial) => !isTold(events, serial)));
  const last = new Map<string, Told>();
  for (const event of events) if (event.event === 'tablet') last.set(event.serial, event);
  return { standing: standingOf(events), told: [...last.values()].filter(({ standing }) => standing !== 'gone').sort((a, b) => a.serial.localeCompare(b.serial)) };
}

function one(maker: string, { serial, standing, facts }: Told, mend: readonly string[]): Finding {
  const name = `${maker} tablet ${serial}`;
  switch (standing) {
    case 'read':
      return ok(`${name}: ${inWords(facts)}`);
    case 'unauthorised':
      return optional(`${name}: does not trust this cart`, TELLS_NOTHING, mend);
    case 'offline':
      return optional(`${name}: not ready yet (starting, or asleep)`, TELLS_NOTHING);
    default:
      return optional(`${name}: does not answer`, TELLS_NOTHING, ['plug it in anew; if it stays so, restart the tablet']);
  }
}

function inWords({ manufacturer, model, osVersion, securityPatch, verifiedBoot, activation, batteryPercent, provisioned }: TabletFacts): string {
  const said = [
    [manufacturer, model].filter((part) => part !== undefined).join(' '),
    osVersion === undefined ? '' : `version ${osVersion}`,
    securityPatch === undefined ? '' : `patch ${securityPatch}`,
    verifiedBoot === undefined ? '' : `verified boot ${verifiedBoot}`,
    activation ?? '',
    provisioned === undefined ? '' : provisioned ? 'set up' : 'not set up',
    batteryPercent === undefined ? '' : `battery ${batteryPercent} %`,
  ].filter((part) => part !== '');
  return said.length === 0 ? 'trusts this cart and tells nothing' : said.join(', ');
}
