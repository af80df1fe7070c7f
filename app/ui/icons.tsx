import type { ReactNode } from 'react';

/** Line drawings on a 64 × 64 field, in the current colour; always beside words, so hidden from assistive technology. */
function Icon({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <svg className="icon" data-icon={name} viewBox="0 0 64 64" fill="none" stroke="currentColor" strokeWidth="5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      {children}
    </svg>
  );
}

const card = (
  <>
    <rect x="6" y="15" width="34" height="43" rx="6" />
    <path d="M17 15V7h12v8" />
    <circle cx="23" cy="32" r="5" />
    <path d="M14 48c2-7 16-7 18 0" />
  </>
);

/** A badge held to a reader. */
export const BadgeIcon = (): ReactNode => (
  <Icon name="badge">
    {card}
    <path d="M47 26c6 6 6 16 0 22M54 19c10 10 10 26 0 36" />
  </Icon>
);

/** A badge the cart does not take. */
export const BadgeRefusedIcon = (): ReactNode => (
  <Icon name="badge-refused">
    {card}
    <path className="icon-warn" d="M49 28l11 11m0-11L49 39" />
  </Icon>
);

export const ClockIcon = (): ReactNode => (
  <Icon name="clock">
    <circle cx="32" cy="32" r="25" />
    <path className="icon-warn" d="M32 17v15l10 7" />
  </Icon>
);

export const PinIcon = (): ReactNode => (
  <Icon name="pin">
    <rect x="11" y="28" width="42" height="29" rx="6" />
    <path d="M20 28v-8a12 12 0 0 1 24 0v8" />
    <path className="icon-warn" d="M23 43h.1M32 43h.1M41 43h.1" />
  </Icon>
);

/** On to another cart: this one cannot help. */
export const CartIcon = (): ReactNode => (
  <Icon name="cart">
    <rect x="5" y="8" width="32" height="40" rx="5" />
    <path d="M5 28h32M15 16v5m12-5v5M15 35v5m12-5v5M12 57h.1M30 57h.1" />
    <path className="icon-warn" d="M46 28h14m-8-9 9 9-9 9" />
  </Icon>
);

/** A tablet going into its bay. */
export const ReturnIcon = (): ReactNode => (
  <Icon name="return">
    <path d="M8 34v18a6 6 0 0 0 6 6h36a6 6 0 0 0 6-6V34" />
    <path className="icon-warn" d="M32 6v34m-13-13 13 13 13-13" />
  </Icon>
);

/** A sealed tick: done, nothing more to do. */
export const DoneIcon = (): ReactNode => (
  <svg className="icon" data-icon="done" viewBox="0 0 64 64" aria-hidden="true">
    <circle className="icon-seal" cx="32" cy="32" r="30" />
    <path className="icon-tick" d="M18 33l10 10 19-21" fill="none" strokeWidth="6.5" strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);

export const OfflineIcon = (): ReactNode => (
  <Icon name="offline">
    <path d="M10 28c12-11 32-11 44 0M20 39c7-6 17-6 24 0M32 51h.1M12 10l40 44" />
  </Icon>
);

export const AttentionIcon = (): ReactNode => (
  <Icon name="attention">
    <path className="icon-warn" d="M32 8 59 55H5Z" />
    <path d="M32 25v14m0 8v.1" />
  </Icon>
);
