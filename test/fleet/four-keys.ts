import { serverKeysView } from '../../app/contract/server-keys.ts';
import { secretsView } from '../../app/contract/secrets.ts';
import type { Past } from './stub-past.ts';

/** A badge key under rotation with three people who have not tapped since, a quiet pepper, a statement key that one cart lacks. */
export function fourKeys(): Past['keys'] {
  const on = (day: number): string => new Date(Date.UTC(2026, 10, day, 9)).toISOString();
  const cart = (id: string, name: string, held: number) => ({ id, ward: '7e', cart: name, held, current: held === 3 });
  return {
    server: serverKeysView.parse({
      keys: [
        { kind: 'statement', name: 'kX3v0mJ8', madeAt: on(1), state: 'signing' },
        { kind: 'statement', name: 'q7Ne2LfA', madeAt: on(20), state: 'announced' },
        { kind: 'witness', name: 'st-elsewhere/witness+2f6c1a90+BLd0qj8mVx7f2oP4n1rT6uYwZk3sC5eH9gA0iJbKxQ2M', madeAt: on(1), state: 'signing' },
      ],
      waitingFor: [{ station: 'st-7w-c', cart: 'Cart C' }],
    }),
    secrets: secretsView.parse({
      version: 3,
      kinds: [
        { kind: 'badge-key', versions: [{ version: 1, madeAt: on(1), known: 41, deniedStations: [] }, { version: 2, madeAt: on(18), known: 38, deniedStations: [] }], stragglers: 3 },
        { kind: 'pepper', versions: [{ version: 1, madeAt: on(1), known: 38, deniedStations: ['st-7e-x'] }], stragglers: 0 },
      ],
      contradictions: [],
      stations: [cart('st-7e-a', 'Cart A', 3), cart('st-7e-b', 'Cart B', 3), cart('st-7w-c', 'Cart C', 2)],
    }),
  };
}
