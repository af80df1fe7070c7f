import type { CommandOutcome } from '../adapters.ts';
import { keyOf, parseCertificate, type Certificate } from './card-certificate.ts';
import type { Exchange, LinkFailure } from './card-link.ts';
import type { CardTrust, Distrust } from './card-trust.ts';
import { againIfDisturbed, CARD_AUTHENTICATION, forgetPin, PIV_AUTHENTICATION, proveKey, readCertificate, selectPiv, verifyPin, type StepFailure } from './piv-card.ts';

/** id-PIV-cardAuth */
const CARD_PURPOSE = '2.16.840.1.101.3.6.8';
/** id-kp-clientAuth */
const HOLDER_PURPOSE = '1.3.6.1.5.5.7.3.2';

export type CardProof =
  /** The card holds the key of a certificate that an authority answers for. */
  | { readonly ok: true; readonly proven: true; readonly uuid: string; readonly certificate: Certificate }
  /** No PIV card, or one without a certificate for itself: it can only be known by its number. */
  | { readonly ok: true; readonly proven: false }
  | { readonly ok: false; readonly cause: LinkFailure | Distrust | 'card-forged' };

/** Asks a card to prove itself by its card authentication key (9E), which needs no PIN. */
export async function proveCard(exchange: Exchange, trust: CardTrust): Promise<CardProof> {
  const selected = await selectPiv(exchange);
  if (!selected.ok) return selected.cause === 'refused' ? { ok: true, proven: false } : failed(selected);
  const read = await againIfDisturbed(exchange, () => readCertificate(exchange, CARD_AUTHENTICATION));
  if (!read.ok) return read.cause === 'refused' ? { ok: true, proven: false } : failed(read);
  if (read.value === undefined) return { ok: true, proven: false };

  const certificate = parseCertificate(read.value);
  const key = certificate && keyOf(certificate);
  if (certificate === undefined || key === undefined) return { ok: false, cause: 'protocol' };
  const distrust = trust.judge(certificate);
  if (distrust !== undefined) return { ok: false, cause: distrust };
  const { uuid, purposes } = certificate;
  if (uuid === undefined || !purposes.includes(CARD_PURPOSE)) return { ok: false, cause: 'card-untrusted' };

  const proven = await againIfDisturbed(exchange, () => proveKey(exchange, CARD_AUTHENTICATION, key));
  return proven.ok ? { ok: true, proven: true, uuid, certificate } : failed(proven);
}

/** What PIV cards say to a key they do not have, or may not use. */
const NO_SUCH_KEY = [0x6982, 0x6985, 0x6a80, 0x6a81, 0x6a82, 0x6a86, 0x6a88];

function failed(failure: StepFailure): Extract<CardProof, { ok: false }> {
  switch (failure.cause) {
    case 'unproven':
      return { ok: false, cause: 'card-forged' };
    case 'refused':
      return { ok: false, cause: NO_SUCH_KEY.includes(failure.status) ? 'card-forged' : 'protocol' };
    case 'malformed':
      return { ok: false, cause: 'protocol' };
    default:
      return { ok: false, cause: failure.cause };
  }
}

const refused = (reason: Extract<CommandOutcome, { ok: false }>['reason']): CommandOutcome => ({ ok: false, reason });

/**
 * Has the card prove that it is still the one of `uuid`, then its holder by PIN and key 9A. The PIN is sent once, and only to a card whose
 * 9A certificate holds: a try is never spent in vain.
 */
export async function proveHolder(exchange: Exchange, trust: CardTrust, uuid: string, pin: string): Promise<CommandOutcome> {
  const card = await proveCard(exchange, trust);
  if (!card.ok) return refused(gone(card.cause) ? 'card-gone' : 'adapter-failing');
  if (!card.proven || card.uuid !== uuid) return refused('card-gone');

  const read = await againIfDisturbed(exchange, () => readCertificate(exchange, PIV_AUTHENTICATION));
  if (!read.ok) return unlessLost(read, 'card-has-no-pin');
  const certificate = read.value && parseCertificate(read.value);
  const key = certificate && keyOf(certificate);
  if (certificate === undefined || key === undefined || !isHoldersOf(card.certificate, certificate) || trust.judge(certificate) !== undefined) return refused('card-has-no-pin');

  const given = await verifyPin(exchange, pin);
  if (!given.ok) return given.cause === 'refused' ? refused(pinRefusal(given.status)) : unlessLost(given, 'adapter-failing');
  const proven = await proveKey(exchange, PIV_AUTHENTICATION, key);
  await forgetPin(exchange);
  return proven.ok ? { ok: true } : unlessLost(proven, proven.cause === 'unproven' ? 'card-has-no-pin' : 'adapter-failing');
}

/** For signing in, and of the same card: the names that both certificates carry agree, so that no two cards pose as one. */
function isHoldersOf(card: Certificate, holder: Certificate): boolean {
  const purposeFits = holder.purposes.length === 0 || holder.purposes.includes(HOLDER_PURPOSE);
  const agrees = (one: string | undefined, other: string | undefined) => one === undefined || other === undefined || one === other;
  return purposeFits && agrees(card.uuid, holder.uuid) && agrees(card.fascN, holder.fascN);
}

function pinRefusal(status: number): 'card-pin-wrong' | 'card-pin-blocked' | 'card-has-no-pin' {
  if (status === 0x6983 || status === 0x63c0) return 'card-pin-blocked';
  return (status & 0xfff0) === 0x63c0 ? 'card-pin-wrong' : 'card-has-no-pin';
}

/** A card that proved itself when it was tapped and no longer does is another card. */
function gone(cause: Extract<CardProof, { ok: false }>['cause']): boolean {
  return !['mute', 'protocol', 'disturbed', 'service-lost'].includes(cause);
}

function unlessLost(failure: StepFailure, otherwise: 'card-has-no-pin' | 'adapter-failing'): CommandOutcome {
  if (failure.cause === 'removed') return refused('card-gone');
  return refused(['mute', 'protocol', 'disturbed', 'service-lost'].includes(failure.cause) ? 'adapter-failing' : otherwise);
}
