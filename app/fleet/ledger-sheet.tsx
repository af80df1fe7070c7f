import type { LedgerState } from '../contract/custody.ts';
import type { FleetStation } from '../contract/fleet.ts';
import { CartMap } from '../ui/cart-map.tsx';
import { MapKey } from '../ui/map-key.tsx';
import type { Look } from '../ui/tablet.tsx';
import { boundWords } from './bounds.ts';
import { proportions } from './cart-drawing.tsx';
import { CopyButton } from './copy-button.tsx';
import { holderWords } from './custody-words.ts';
import { DataTable } from './data-table.tsx';
import type { Column } from './data-table.tsx';
import { Facts } from './facts.tsx';
import { hrefOf } from './route.ts';
import { duration, instant, msBetween, timeOfDay } from './times.ts';
import { reasonWords } from './words.ts';

/** What the entries up to then tell of a tablet in its slot; whether it could be taken depended on more. */
const LOOK_WORDS = { ready: 'wiped since its last use', waiting: 'to be wiped', 'out-of-service': 'in quarantine', unknown: 'not known to this ledger', empty: 'empty' } as const satisfies Partial<Record<Look, string>>;
type StoodLook = keyof typeof LOOK_WORDS;
const LOOKS = ['ready', 'waiting', 'out-of-service', 'unknown', 'empty'] as const satisfies readonly StoodLook[];

function lookOf(ledger: LedgerState, slot: number): StoodLook {
  const inside = ledger.slots.find((known) => known.slot === slot);
  if (inside === undefined) return 'empty';
  const device = ledger.devices.find(({ device: serial }) => serial === inside.device);
  if (device === undefined) return 'unknown';
  if (device.quarantine !== undefined) return 'out-of-service';
  return device.exposed ? 'waiting' : 'ready';
}

/** One ledger of a cart at an instant: the cart as it stood, what was out, what was offered, and how sure that is. */
export function LedgerSheet({ ledger, station, at }: { ledger: LedgerState; station: FleetStation; at: string }) {
  const { origin, size, last, uncertain, policyVersion, out, offers } = ledger;
  const known = new Set(station.shelves.flat());
  const beyond = ledger.slots.map(({ slot }) => slot).filter((slot) => !known.has(slot));
  const shelves = beyond.length === 0 ? station.shelves : [...station.shelves, beyond.sort((a, b) => a - b)];
  const slots = shelves.flat().map((slot) => ({ slot, look: lookOf(ledger, slot) }));
  const assetOf = (serial: string): string => ledger.devices.find(({ device }) => device === serial)?.asset ?? serial;
  const say = (slot: number): string => {
    const inside = ledger.slots.find((taken) => taken.slot === slot);
    return inside === undefined ? `Slot ${slot}: empty` : `Slot ${slot}: ${assetOf(inside.device)}, ${LOOK_WORDS[lookOf(ledger, slot)]}${inside.offered ? ', offered' : ''}`;
  };
  const open = (slot: number): void => {
    const inside = ledger.slots.find((taken) => taken.slot === slot);
    if (inside !== undefined) location.hash = hrefOf({ page: 'device', serial: inside.device, q: '' });
  };
  return (
    <div className="ledger-sheet">
      {uncertain !== undefined && (
        <p className="answer">
          <strong>{uncertain.count === 1 ? 'One entry is not certain.' : `${uncertain.count} entries are not certain.`}</strong> {uncertain.count === 1 ? `Entry ${uncertain.fromSeq}` : `Entries ${uncertain.fromSeq} to ${uncertain.toSeq}`} may have been made before this moment or after it; the clocks do not decide. What the cart’s clock put before it is counted in.
        </p>
      )}
      <div className="sheet">
        <div>
          <div className="cart-drawing" style={{ aspectRatio: proportions(shelves).aspectRatio }}>
            <CartMap shelves={shelves} slots={slots} labels={{ map: `Slots of ${station.cart} then`, slot: ({ slot }) => say(slot) }} onPick={open} />
          </div>
          <MapKey entries={LOOKS.map((look) => ({ look, label: LOOK_WORDS[look], count: slots.filter((slot) => slot.look === look).length })).filter(({ look, count }) => count > 0 && look !== 'empty')} />
        </div>
        <Facts
          facts={[
            ['Entries by then', size.toLocaleString('en-GB')],
            ['Policy version', policyVersion ?? 'none yet'],
            [
              'Last entry',
              last === undefined ? (
                'none yet'
              ) : (
                <>
                  {last.evidence.seq}, {instant(last.time.claimed)}
                  <span className="under">{boundWords(last.time)}</span>
                  <span className="under leaf">
                    leaf <code>{last.evidence.leaf.slice(0, 12)}…</code> <CopyButton look="link" text={last.evidence.leaf} what="the leaf" />
                  </span>
                </>
              ),
            ],
            ['Ledger', origin],
            ...beyond.map((slot) => [`Slot ${slot}`, 'is not in the cart as it is built today'] as const),
          ]}
        />
      </div>
      <h3 id={`out-${origin}`}>Out of the cart {out.length > 0 && out.length}</h3>
      {out.length === 0 ? <p className="empty">Nothing was out.</p> : <DataTable labelledBy={`out-${origin}`} columns={outColumns(assetOf, at)} rows={out} keyOf={({ device, release }) => `${device} ${release}`} />}
      <h3 id={`offers-${origin}`}>Offered {offers.length > 0 && offers.length}</h3>
      {offers.length === 0 ? <p className="empty">Nothing was lit for anybody.</p> : <DataTable labelledBy={`offers-${origin}`} columns={offerColumns(assetOf, at)} rows={offers} keyOf={({ offer }) => offer} />}
      <Quarantined devices={ledger.devices} />
    </div>
  );
}

function Quarantined({ devices }: Pick<LedgerState, 'devices'>) {
  const kept = devices.filter(({ quarantine }) => quarantine !== undefined);
  if (kept.length === 0) return null;
  return (
    <>
      <h3>In quarantine {kept.length}</h3>
      <ul className="plain-list">
        {kept.map(({ device, asset, quarantine = '' }) => (
          <li key={device}>
            <a href={hrefOf({ page: 'device', serial: device, q: '' })}>{asset}</a> {reasonWords(quarantine)}
          </li>
        ))}
      </ul>
    </>
  );
}

const outColumns = (assetOf: (serial: string) => string, at: string): readonly Column<LedgerState['out'][number]>[] => [
  { head: 'Tablet', kind: 'lead', cell: ({ device }) => <a href={hrefOf({ page: 'device', serial: device, q: '' })}>{assetOf(device)}</a> },
  {
    head: 'Held by',
    kind: 'wide',
    cell: ({ holder, owed }) => (
      <>
        {holder.kind === 'person' ? <a href={hrefOf({ page: 'records', q: holder.name })}>{holder.name}</a> : <strong>{holderWords(holder)}</strong>}
        {owed && <span className="under">a wrong tablet, to be put back</span>}
      </>
    ),
  },
  { head: 'From slot', cell: ({ slot }) => slot ?? <span className="none">–</span> },
  {
    head: 'Since',
    cell: ({ since }) => (
      <span className="since">
        {timeOfDay(since, at)} <span className="quiet">{duration(msBetween(since, at))} by then</span>
      </span>
    ),
  },
];

const offerColumns = (assetOf: (serial: string) => string, at: string): readonly Column<LedgerState['offers'][number]>[] => [
  { head: 'Tablet', kind: 'lead', cell: ({ device }) => <a href={hrefOf({ page: 'device', serial: device, q: '' })}>{assetOf(device)}</a> },
  { head: 'Offered to', kind: 'wide', cell: ({ person }) => <a href={hrefOf({ page: 'records', q: person })}>{person}</a> },
  { head: 'Slot', cell: ({ slot }) => slot },
  { head: 'Until', cell: ({ until }) => timeOfDay(until, at) },
];
