import type { FleetDevice } from '../contract/fleet.ts';

export const DEVICE_STATES = ['proven', 'preparing', 'waiting', 'out', 'quarantined', 'unknown'] as const satisfies readonly FleetDevice['state'][];
export type DeviceState = (typeof DEVICE_STATES)[number];

/** Every place of the page has an address, so that every number can be a link. `q` is what is typed in the filter. */
export type Route =
  | { readonly page: 'wards'; readonly q: string }
  | { readonly page: 'devices'; readonly q: string; readonly ward?: string; readonly state?: DeviceState }
  /** `from`, `to`: the span of "Who had it", ISO 8601; both or neither, which is the last 24 h. */
  | { readonly page: 'device'; readonly serial: string; readonly q: string; readonly from?: string; readonly to?: string }
  | { readonly page: 'quarantine'; readonly q: string }
  | { readonly page: 'stations'; readonly q: string }
  /** `at`: the instant of "As it stood at", ISO 8601. */
  | { readonly page: 'station'; readonly id: string; readonly q: string; readonly at?: string }
  /** Of one cart, one type of record, one span of time (ISO 8601), where these are given. */
  | { readonly page: 'records'; readonly q: string; readonly station?: string; readonly type?: string; readonly from?: string; readonly to?: string }
  | { readonly page: 'morning'; readonly q: string }
  /** One night of a cart: an entry in one life of its ledger. */
  | { readonly page: 'sheet'; readonly station: string; readonly epoch: number; readonly seq: number; readonly q: string }
  /** `after`: leaf of the last certificate of the page before. */
  | { readonly page: 'certificates'; readonly q: string; readonly after?: string }
  | { readonly page: 'certificate'; readonly leaf: string; readonly q: string }
  | { readonly page: 'conflicts'; readonly q: string }
  | { readonly page: 'incidents'; readonly q: string }
  | { readonly page: 'keys'; readonly q: string }
  | { readonly page: 'mdms'; readonly q: string }
  | { readonly page: 'nowhere'; readonly q: string };

/** Reads `location.hash`. Anything it does not know is `nowhere`, which the page says in words. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const query = new URLSearchParams(search);
  const q = query.get('q') ?? '';
  const [place = '', name, ...rest] = path.split('/').filter((part) => part !== '');
  if (rest.length > 0) return { page: 'nowhere', q };
  if (name !== undefined) return parseNamed(place, name, q, query);
  switch (place) {
    case '':
      return { page: 'wards', q };
    case 'devices': {
      const ward = query.get('ward');
      const state = DEVICE_STATES.find((known) => known === query.get('state'));
      return { page: 'devices', q, ...(ward === null ? {} : { ward }), ...(state === undefined ? {} : { state }) };
    }
    case 'certificates': {
      const after = query.get('after');
      return { page: 'certificates', q, ...(after === null ? {} : { after }) };
    }
    case 'records': {
      const station = query.get('station');
      const type = query.get('type');
      const from = instantIn(query, 'from');
      const to = instantIn(query, 'to');
      return { page: 'records', q, ...(station === null ? {} : { station }), ...(type === null ? {} : { type }), ...(from === undefined || to === undefined ? {} : { from, to }) };
    }
    case 'quarantine':
    case 'stations':
    case 'morning':
    case 'conflicts':
    case 'incidents':
    case 'keys':
    case 'mdms':
      return { page: place, q };
    default:
      return { page: 'nowhere', q };
  }
}

function parseNamed(place: string, name: string, q: string, query: URLSearchParams): Route {
  try {
    const decoded = decodeURIComponent(name);
    const from = instantIn(query, 'from');
    const to = instantIn(query, 'to');
    const at = instantIn(query, 'at');
    if (place === 'devices') return { page: 'device', serial: decoded, q, ...(from === undefined || to === undefined ? {} : { from, to }) };
    const [epoch, seq] = [countIn(query, 'epoch'), countIn(query, 'seq')];
    if (place === 'morning' && epoch !== undefined && seq !== undefined) return { page: 'sheet', station: decoded, epoch, seq, q };
    if (place === 'certificates') return { page: 'certificate', leaf: decoded, q };
    if (place === 'stations') return { page: 'station', id: decoded, q, ...(at === undefined ? {} : { at }) };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
  }
  return { page: 'nowhere', q };
}

/** A moment in the address; what is no moment is no condition. */
function instantIn(query: URLSearchParams, name: string): string | undefined {
  const ms = Date.parse(query.get(name) ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function countIn(query: URLSearchParams, name: string): number | undefined {
  const digits = query.get(name) ?? '';
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** The address of a place, for `href`. */
export function hrefOf(route: Route): string {
  const query = new URLSearchParams();
  if (route.page === 'devices' && route.ward !== undefined) query.set('ward', route.ward);
  if (route.page === 'devices' && route.state !== undefined) query.set('state', route.state);
  if (route.page === 'records' && route.station !== undefined) query.set('station', route.station);
  if (route.page === 'records' && route.type !== undefined) query.set('type', route.type);
  if (route.page === 'sheet') {
    query.set('epoch', String(route.epoch));
    query.set('seq', String(route.seq));
  }
  if ((route.page === 'device' || route.page === 'records') && route.from !== undefined && route.to !== undefined) {
    query.set('from', route.from);
    query.set('to', route.to);
  }
  if (route.page === 'certificates' && route.after !== undefined) query.set('after', route.after);
  if (route.page === 'station' && route.at !== undefined) query.set('at', route.at);
  if (route.q !== '') query.set('q', route.q);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return `#${pathOf(route)}${search}`;
}

function pathOf(route: Route): string {
  switch (route.page) {
    case 'device':
      return `/devices/${encodeURIComponent(route.serial)}`;
    case 'station':
      return `/stations/${encodeURIComponent(route.id)}`;
    case 'sheet':
      return `/morning/${encodeURIComponent(route.station)}`;
    case 'certificate':
      return `/certificates/${encodeURIComponent(route.leaf)}`;
    case 'wards':
    case 'nowhere':
      return '/';
    default:
      return `/${route.page}`;
  }
}
