import type { CommandOutcome } from '../adapters.ts';
import { GET_UID, readUidAnswer, type UnreadableCause } from './badge-uid.ts';
import { converseWithCard, type CardDeps, type Conversation } from './card-link.ts';
import { proveCard, proveHolder } from './card-proof.ts';
import type { CardTrust } from './card-trust.ts';

/** Who a card is: by its signed name once it has proved itself (`crypto`), otherwise by its number. */
export type ReadBadge = { readonly ok: true; readonly uid: string; readonly assurance: 'uid' | 'crypto' };
export type CardOutcome = ReadBadge | { readonly ok: false; readonly cause: UnreadableCause | 'disturbed' | 'service-lost' };

/** Reads the card in the field, once. With `trust`, one that shows a certificate must prove itself and is never read by its number. */
export function readCard(deps: CardDeps, trust: CardTrust | undefined): Conversation<CardOutcome> {
  return converseWithCard<CardOutcome>(deps, async (exchange) => {
    if (trust !== undefined) {
      const proof = await proveCard(exchange, trust);
      if (!proof.ok) return proof;
      if (proof.proven) return { ok: true, uid: proof.uuid, assurance: 'crypto' };
    }
    const answered = await exchange(GET_UID);
    if (!answered.ok) return answered;
    const reading = readUidAnswer(answered.answer);
    return reading.ok ? { ...reading, assurance: 'uid' } : reading;
  });
}

/** Lets the card in the field, whose signed name is `uid`, prove its holder's PIN. */
export function askHolder(deps: CardDeps, trust: CardTrust, uid: string, pin: string): { readonly outcome: Promise<CommandOutcome>; readonly released: Promise<void> } {
  const { outcome, released } = converseWithCard(deps, (exchange) => proveHolder(exchange, trust, uid, pin));
  const answered = outcome.then((said): CommandOutcome => {
    if (!('cause' in said)) return said;
    return { ok: false, reason: said.cause === 'removed' ? 'card-gone' : 'adapter-failing' };
  });
  return { outcome: answered, released };
}
