import type { StationConfig } from '../../app/station/config.ts';
import type { HubEvent } from '../../native/adapters.ts';
import { systemClock } from '../../native/clock.ts';
import { cambrionixHub, HUB_API_PORT } from '../../native/hub/cambrionix.ts';
import { lacking, missing, ok, optional, type Finding } from './finding.ts';
import { look, standingOf, tryConnect } from './look.ts';
import { may, udevSteps } from './rights.ts';
import { byPort, hubsOn, powerSwitchOf, type Bus, type BusDevice } from './usb-bus.ts';

type Cambrionix = Extract<StationConfig['hub'], { kind: 'cambrionix' }>;

const BY_HAND = 'A tablet that hangs is helped by unplugging it; slots have no lights, the screen shows the number.';
const NO_CYCLE = 'The night run cannot switch a slot off and on to help a tablet that hangs.';
const LOCALHOST = '127.0.0.1';

/** The hubs that are there, and what is to work lights and port power. */
export async function hub(config: StationConfig | undefined, bus: Bus, user: string): Promise<readonly Finding[]> {
  const hubs = hubsOn(bus);
  const switches = await switchesOf(hubs);
  const there = hubs.map(({ port, product, hubPorts }) => ok(`hub ${port}: ${product}, ${hubPorts ?? 0} ports${switchable(switches, port)}`));
  const isNeeded = config === undefined || (config.slots === 'usb' && Object.values(config.ports).some((port) => port.includes('.')));
  const none = lacking(isNeeded, 'no hub is connected', 'The slots of a cart hang on one: without it no tablet is seen, and none is given out or taken back.', ['look at the cable between hub and computer, and at the hub’s power supply; lsusb -t must show it']);
  return [...(hubs.length === 0 ? [none] : there), ...(config === undefined ? await proposed(hubs, switches, user) : await configured(config, user))];
}

/** Files by port, of every hub. */
async function switchesOf(hubs: readonly BusDevice[]): Promise<ReadonlyMap<string, string>> {
  const ports = hubs.flatMap(({ port, hubPorts = 0 }) => Array.from({ length: hubPorts }, (_, index) => `${port}.${index + 1}`));
  const files = await Promise.all(ports.map(async (port) => [port, await powerSwitchOf(port)] as const));
  return new Map(files.flatMap(([port, file]) => (file === undefined ? [] : [[port, file] as const])));
}

function switchable(switches: ReadonlyMap<string, string>, hubPort: string): string {
  const count = [...switches.keys()].filter((port) => port.startsWith(`${hubPort}.`) && !port.slice(hubPort.length + 1).includes('.')).length;
  return count === 0 ? '' : `, the power of ${count} can be switched`;
}

async function configured(config: StationConfig, user: string): Promise<readonly Finding[]> {
  switch (config.hub.kind) {
    case 'none':
      return [ok('port power and lights: none ("hub": {"kind": "none"} in the configuration)', BY_HAND)];
    case 'kernel':
      return kernel(config, user);
    case 'cambrionix':
      return cambrionix(config.hub);
  }
}

async function kernel({ ports }: StationConfig, user: string): Promise<readonly Finding[]> {
  const slots = Object.entries(ports).sort(([a], [b]) => Number(a) - Number(b));
  const seen = await Promise.all(
    slots.map(async ([slot, port]) => {
      const file = await powerSwitchOf(port);
      return { slot, at: `slot ${slot} (port ${port})`, state: file === undefined ? 'none' : (await may(file, 'write')) ? 'ok' : 'closed', file };
    }),
  );
  const named = (state: string): string => seen.filter((each) => each.state === state).map(({ at }) => at).join(', ');
  const [good, closed, without] = [named('ok'), named('closed'), named('none')];
  return [
    ...(good === '' ? [] : [ok(`port power: can be switched for ${good}`)]),
    ...(closed === '' ? [] : [missing(`port power: the user ${user} may not switch ${closed}`, NO_CYCLE, [...udevSteps(user), 'then plug the hub in again: the kernel makes these files anew each time'])]),
    ...(without === '' ? [] : [missing(`port power: no switch for ${without}`, NO_CYCLE, ['connect the hub, if it is not; otherwise it cannot switch its ports: write "hub": {"kind": "none"} into station.json'])]),
  ];
}

async function cambrionix({ host, port, slots }: Cambrionix): Promise<readonly Finding[]> {
  const events = await look<HubEvent>((sink) => cambrionixHub({ clock: systemClock, host, port, slots: new Map(Object.entries(slots).map(([slot, at]) => [Number(slot), at])) }).start(sink));
  const standing = standingOf(events);
  if (standing?.state === 'working') return [ok(`Cambrionix Hub API on ${host}:${port}: answers, and knows the hubs of ${Object.keys(slots).length} slots`)];
  return [missing(`Cambrionix: ${standing?.detail ?? `the Hub API on ${host}:${port} says nothing`}`, `${NO_CYCLE} Slots have no lights.`, ['systemctl status CambrionixApiService   (the vendor’s Hub API has to be installed and running on this computer)'])];
}

/** What to write into a configuration that is not there yet. */
async function proposed(hubs: readonly BusDevice[], switches: ReadonlyMap<string, string>, user: string): Promise<readonly Finding[]> {
  if (hubs.length === 0) return [];
  const answer = await tryConnect({ host: LOCALHOST, port: HUB_API_PORT });
  if (answer === 'yes') return [ok(`Cambrionix Hub API on ${LOCALHOST}:${HUB_API_PORT}: answers`, 'For port power and lights: "hub": {"kind": "cambrionix", "slots": {"1": {"unit": SERIAL OF THE HUB, "port": 1}, …}} in station.json.')];
  const vendor = hubs.find(({ manufacturer }) => /cambrionix/i.test(manufacturer));
  const api = vendor === undefined ? [] : [optional(`hub ${vendor.port} is made by Cambrionix, and its Hub API does not answer on ${LOCALHOST}:${HUB_API_PORT}`, 'With it the cart has lights, and measures and switches each port.', ['install the Cambrionix Hub API, and start CambrionixApiService'])];
  if (switches.size === 0) return [...api, optional('port power: no hub here lets the kernel switch its ports', BY_HAND)];
  const closed = (await Promise.all([...switches].map(async ([port, file]) => ((await may(file, 'write')) ? [] : [port])))).flat().sort(byPort);
  if (closed.length > 0) return [...api, optional(`port power: the user ${user} may not switch ${closed.length} of ${switches.size} ports (${closed[0] ?? ''} is the first)`, NO_CYCLE, [...udevSteps(user), 'then plug the hub in again: the kernel makes these files anew each time'])];
  return [...api, ok('port power: the kernel can switch it', 'To use it, write "hub": {"kind": "kernel"} into station.json.')];
}
