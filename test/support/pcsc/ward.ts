import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach } from 'vitest';
import type { BadgeTrust } from '../../../app/contract/device-host.ts';
import type { ReaderEvent } from '../../../native/adapters.ts';
import { systemClock } from '../../../native/clock.ts';
import { pcscReaders } from '../../../native/readers/pcsc.ts';
import { probePcscService } from '../../../native/readers/service-probe.ts';
import type { PcscTestbed } from './testbed.ts';
import { insertCard, type CardOptions, type VirtualCard } from './virtual-card.ts';
import { waitFor } from './wait-for.ts';

export const run = promisify(execFile);
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs after the test, last registered first. */
export function afterwards(cleanUp: () => Promise<unknown>): void {
  cleanUps.push(cleanUp);
}

/** Resolves when pcscd, asked by another program, sees a card in so many slots. */
export async function untilSlotsWithCard(count: number): Promise<void> {
  for (;;) {
    const listed = await run('opensc-tool', ['-l']);
    if ([...listed.stdout.matchAll(/^\d+ +Yes /gm)].length === count) return;
  }
}

/** The readers that are there, by what was told. */
export function present(events: readonly ReaderEvent[]): Set<string> {
  const readers = new Set<string>();
  for (const event of events) {
    if (event.event !== 'reader') continue;
    if (event.state === 'present') readers.add(event.reader);
    else readers.delete(event.reader);
  }
  return readers;
}

/** The adapter with a memory, on empty readers, every slot of the testbed already announced. */
export async function ward(testbed: PcscTestbed, trust?: BadgeTrust, probe = probePcscService) {
  await untilSlotsWithCard(0);
  const events: ReaderEvent[] = [];
  const running = pcscReaders({ clock: systemClock, probe }).start((event) => events.push(event));
  afterwards(() => running.stop());
  if (trust !== undefined) running.trust?.(trust);
  await waitFor('every reader', () => present(events).size === testbed.readers.length);
  const of = <Name extends ReaderEvent['event']>(name: Name) => events.filter((event): event is Extract<ReaderEvent, { event: Name }> => event.event === name);
  return {
    events,
    of,
    running,
    /** What was told of cards, in its order. */
    cards: () => events.filter(({ event }) => event !== 'adapter' && event !== 'reader'),
    tap: (uid: string) =>
      waitFor(`a tap of ${uid}`, () => of('tap').find((event) => event.uid === uid)).catch((error: unknown) => {
        throw new Error(`${String(error)}; told last: ${JSON.stringify(events.slice(-4))}`);
      }),
  };
}

/** Puts a card on a slot until the end of the test. */
export async function card(port: number, options: CardOptions): Promise<VirtualCard> {
  const inserted = await insertCard(port, options);
  afterwards(() => inserted.remove());
  return inserted;
}

/** Resolves when a card has been asked an APDU with this instruction byte. */
export function askedFor({ apdus }: VirtualCard, instruction: number): Promise<string> {
  const byte = instruction.toString(16).toUpperCase().padStart(2, '0');
  return waitFor(`the card to be asked ${byte}`, () => apdus.find((apdu) => apdu.slice(2, 4) === byte));
}
