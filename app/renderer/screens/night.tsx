import type { ReactNode } from 'react';
import type { Snapshot } from '../../contract/kiosk.ts';
import type { NightBoard } from '../../contract/night.ts';
import { NeedTiles } from '../../ui/need-tiles.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Words } from '../language.ts';
import type { Scene } from '../scene.ts';

type Ward = NightBoard['wards'][number];

/** The rest is counted: a cart that serves more wards than these has their sum. */
const WARDS = 4;

/** While the cart prepares the morning and nobody stands before it: how far it is, when the need is met, and ward by ward. */
export function nightScene({ night, snapshot, words }: { readonly night: NightBoard; readonly snapshot: Snapshot; readonly words: Words }): Scene {
  const time = (atMs: number): string => words.time(atMs, snapshot.timeZone);
  const needed = sum(night.wards, (ward) => ward.needed);
  const met = sum(night.wards, (ward) => Math.min(ward.ready, ward.needed));
  const asked = night.wards.length > 0 && needed > 0;
  return {
    layout: 'night',
    foot: `${words.t('night.take')} ${words.t('idle.back')}`,
    readyAt: new Map(night.slots.flatMap(({ slot, readyMs }) => (readyMs === undefined || readyMs <= snapshot.atMs ? [] : [[slot, readyMs]]))),
    say: (
      <>
        <h1 className="count">
          <Numeral of="count" value={asked ? met : snapshot.counts.ready} />{' '}
          <span className="count-word">
            <span className="night-run">{words.t('night.run')}</span> <span>{asked ? words.t('night.of', { needed }) : words.t('night.ready')}</span>
          </span>
        </h1>
        <p className="lead">{forecast(night, words, time)}</p>
        {night.updates && <p className="quiet">{updatesWords(night.updates, words)}</p>}
        {asked && (
          <ul className="needs">
            {[...night.wards].sort((a, b) => (b.shortBy ?? 0) - (a.shortBy ?? 0)).slice(0, WARDS).map((ward) => (
              <li key={ward.ward}>
                <bdi className="needs-ward">{ward.ward}</bdi>
                <NeedTiles needed={ward.needed} ready={ward.ready} short={ward.shortBy ?? 0} />
                <span>
                  <WardWords ward={ward} shift={time(night.shiftMs)} words={words} time={time} />
                </span>
              </li>
            ))}
            {night.wards.length > WARDS && <li className="quiet">{words.t('others.more', { count: night.wards.length - WARDS })}</li>}
          </ul>
        )}
      </>
    ),
  };
}

const sum = (wards: readonly Ward[], of: (ward: Ward) => number): number => wards.reduce((total, ward) => total + of(ward), 0);

/** One sentence for 1 m: what will be missing, or by when all is there. */
function forecast({ wards, shiftMs }: NightBoard, words: Words, time: (atMs: number) => string): ReactNode {
  const worst = wards.reduce<Ward | undefined>((found, ward) => ((ward.shortBy ?? 0) > (found?.shortBy ?? 0) ? ward : found), undefined);
  if (worst?.shortBy !== undefined) return words.t('night.short', { count: worst.shortBy, ward: worst.ward, because: words.t(`night.because.${worst.because ?? 'absent'}`) });
  if (wards.every(({ needed, ready }) => ready >= needed)) return wards.length === 0 ? words.t('night.preparing', { time: time(shiftMs) }) : words.t('night.met-now');
  const metMs = Math.max(...wards.map((ward) => (ward.ready >= ward.needed ? 0 : (ward.metMs ?? Number.POSITIVE_INFINITY))));
  return `${words.t(Number.isFinite(metMs) ? 'night.met-by' : 'night.preparing', { time: time(Number.isFinite(metMs) ? metMs : shiftMs) })} ${Number.isFinite(metMs) ? words.t('night.needed', { time: time(shiftMs) }) : ''}`.trim();
}

/** How many systems are being updated, and how many are not though an update waits for them. */
function updatesWords({ running, left, because }: NonNullable<NightBoard['updates']>, words: Words): string {
  const sentences = [...(running > 0 ? [words.t('night.updating', { count: running })] : []), ...(because !== undefined ? [words.t('night.updates-left', { count: left, because: words.t(`night.because.${because}`) })] : [])];
  return sentences.join(' ');
}

/** What is there and needed; while that is not enough by when it will be, or what will be there at the shift and how many that is short. */
function WardWords({ ward: { needed, ready, byShift, metMs, shortBy = 0 }, shift, words, time }: { readonly ward: Ward; readonly shift: string; readonly words: Words; readonly time: (atMs: number) => string }): ReactNode {
  if (ready >= needed) return <b>{words.t('night.enough', { ready, needed })}</b>;
  return (
    <>
      <b>{words.t('night.ready-of', { ready, needed })}</b>
      {shortBy > 0 && byShift !== ready && words.t('night.by-shift', { ready: byShift, time: shift })}{' '}
      {shortBy > 0 ? <strong className="needs-short">{words.t('night.short-by', { count: shortBy })}</strong> : metMs !== undefined && words.t('night.by', { time: time(metMs) })}
    </>
  );
}
