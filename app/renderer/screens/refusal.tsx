import type { ReactNode } from 'react';
import { BadgeIcon, BadgeRefusedIcon, CartIcon, ClockIcon, PinIcon, ReturnIcon } from '../../ui/icons.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Scene, SceneInput } from '../scene.ts';
import { waitsWords } from '../waits-line.tsx';

/** One reason and one next step; where the wait is known, it is the number read from afar. */
export function refusalScene({ message, snapshot, words }: SceneInput<'refusal'>): Scene {
  const { reason, minutes, because, name } = message;
  const oldest = because && snapshot.slots.filter((slot) => slot.reason === because && slot.sinceMs !== undefined).sort((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0))[0];
  const waits = oldest && waitsWords(oldest, snapshot.atMs, words);
  const why = words.t(`refusal.${reason}.why`, { because: because === undefined ? '' : waits === undefined ? words.t(`unproven.${because}`) : `${waits}.` }).trim();
  return {
    say: (
      <>
        {minutes !== undefined && minutes > 0 ? (
          <p className="count wait">
            <Numeral of="count" value={minutes} /> <span className="count-word">{words.t('minutes', { count: minutes })}</span>
          </p>
        ) : (
          <div className="emblem">{emblemOf(reason)}</div>
        )}
        <h1 className="title">{words.t(`refusal.${reason}.do`)}</h1>
        <p className="body">{why}</p>
      </>
    ),
    foot: name === undefined ? undefined : <bdi>{name}</bdi>,
  };
}

function emblemOf(reason: SceneInput<'refusal'>['message']['reason']): ReactNode {
  switch (reason) {
    case 'badge-unknown':
    case 'badge-random':
    case 'badge-forged':
    case 'badge-revoked':
    case 'badge-expired':
    case 'badge-untrusted':
    case 'staff-revoked':
    case 'role-not-allowed':
      return <BadgeRefusedIcon />;
    case 'badge-unreadable':
    case 'card-gone':
      return <BadgeIcon />;
    case 'no-device-ready':
    case 'busy':
      return <ClockIcon />;
    case 'limit-reached':
      return <ReturnIcon />;
    case 'pin-wrong':
    case 'pin-locked':
    case 'pin-not-set':
    case 'card-pin-blocked':
    case 'card-has-no-pin':
      return <PinIcon />;
    case 'bundle-too-old':
    case 'bundle-missing':
    case 'ledger-unavailable':
      return <CartIcon />;
  }
}
