import type { FleetDevice, FleetView } from '../contract/fleet.ts';
import { doubtAbout } from './conflict-mark.tsx';
import { CONFLICT_WORDS, STANDING_WORDS, STATE_WORDS, reasonWords } from './words.ts';

/** One device as its row reads. `text` is all of it, for the filter. */
export interface DeviceRow {
  readonly device: FleetDevice;
  readonly ward: string;
  readonly place: string;
  readonly holder?: string;
  readonly since?: string;
  readonly state: string;
  readonly reason?: string;
  readonly text: string;
}

/** A ward's name; its id where the view does not name it. */
export function wardName(view: FleetView, id: string): string {
  return view.wards.find((ward) => ward.id === id)?.name ?? id;
}

function placeOf(device: FleetDevice): string {
  switch (device.where.kind) {
    case 'cart':
      return `${device.where.cart}, slot ${device.where.slot}`;
    case 'person':
    case 'unidentified':
      return 'away from the cart';
    case 'conflict':
      return device.where.sides.map(sideWords).join(', or ');
    case 'unknown':
      return 'not seen yet';
  }
}

type Side = Extract<FleetDevice['where'], { kind: 'conflict' }>['sides'][number];

/** Where one cart says that the tablet is. */
function sideWords({ cart, slot, holder }: Side): string {
  if (holder === undefined) return slot === undefined ? cart : `${cart}, slot ${slot}`;
  return `${holder.kind === 'person' ? `with ${holder.name}` : 'away'}, says ${cart}`;
}

function holderOf(device: FleetDevice): string | undefined {
  if (device.where.kind === 'person') return device.where.name;
  return device.where.kind === 'unidentified' ? 'nobody named' : undefined;
}

function stateOf(device: FleetDevice): string {
  const state = device.where.kind === 'conflict' ? CONFLICT_WORDS[device.where.because] : STATE_WORDS[device.state];
  return device.standing === 'admitted' ? state : `${state}, ${STANDING_WORDS[device.standing]}`;
}

export function deviceRow(device: FleetDevice, view: FleetView): DeviceRow {
  const { where } = device;
  const ward = wardName(view, device.ward);
  const place = placeOf(device);
  const holder = holderOf(device);
  const state = stateOf(device);
  const reason = device.reason === undefined ? undefined : reasonWords(device.reason);
  const since = where.kind === 'person' || where.kind === 'unidentified' ? where.since : device.since;
  const text = [device.asset, device.serial, device.model, ward, place, holder, state, reason, device.grade, doubtAbout(device)].filter((part) => part !== undefined).join(' ');
  return {
    device,
    ward,
    place,
    state,
    text,
    ...(holder === undefined ? {} : { holder }),
    ...(since === undefined ? {} : { since }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const byAsset = new Intl.Collator('en', { numeric: true });

/** All devices as rows, in the order of their asset numbers. */
export function deviceRows(view: FleetView): readonly DeviceRow[] {
  return view.devices.map((device) => deviceRow(device, view)).sort((a, b) => byAsset.compare(a.device.asset, b.device.asset));
}
