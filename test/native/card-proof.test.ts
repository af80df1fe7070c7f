import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Extension, SubjectAlternativeNameExtension } from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BadgeTrust } from '../../app/contract/device-host.ts';
import type { Exchange } from '../../native/readers/card-link.ts';
import { proveCard, proveHolder } from '../../native/readers/card-proof.ts';
import { cardTrust } from '../../native/readers/card-trust.ts';
import { CARD_AUTHENTICATION, readCertificate } from '../../native/readers/piv-card.ts';
import { CARD_PURPOSE, cardAuthority, NOON, SIGN_IN_PURPOSE, trustIn, type CardAuthority, type CardCertificateOptions, type CardKey } from '../support/pcsc/card-authority.ts';
import { OTHER_APPLET, pivCard, type PivCard, type PivCardOptions } from '../support/pcsc/piv-card.ts';
import { heldClock } from './held-clock.ts';

const UUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';
const DAY_MS = 86_400_000;

function exchangeWith({ answer }: Pick<PivCard, 'answer'>): Exchange {
  return async (apdu) => {
    const said = answer(apdu.toString('hex').toUpperCase());
    return said === undefined ? { ok: false, cause: 'mute' } : { ok: true, answer: Buffer.from(said, 'hex') };
  };
}

let root: CardAuthority;
let issuing: CardAuthority;
let stranger: CardAuthority;
let holder: CardKey;

beforeAll(async () => {
  root = await cardAuthority('Hospital Root', { pathLength: 1 });
  issuing = await cardAuthority('Hospital Cards', { issuer: root, pathLength: 0 });
  stranger = await cardAuthority('Stranger');
  holder = await issuing.issue({ purposes: [SIGN_IN_PURPOSE] });
});

async function proofOf(keys: PivCardOptions['keys'], trust: BadgeTrust = trustIn([root, issuing]), options: Partial<PivCardOptions> = {}) {
  const proof = await proveCard(exchangeWith(pivCard({ keys, ...options })), cardTrust(trust, heldClock()));
  if (!proof.ok) return proof.cause;
  return proof.proven ? proof.uuid : 'not proven';
}
const proofOfIssued = async (asked: CardCertificateOptions, by = issuing, trust?: BadgeTrust) => proofOf({ '9E': await by.issue(asked) }, trust);

describe('a card that proves itself', () => {
  it.each(['P-256', 'P-384', 'RSA-2048'] as const)('by %s, up through an authority between it and the root, is known by its signed name', async (kind) => {
    expect(await proofOfIssued({ kind })).toBe(NAME);
  });

  it('is known when its certificate is compressed', async () => {
    expect(await proofOf({ '9E': await issuing.issue() }, trustIn([root, issuing]), { gzip: true })).toBe(NAME);
  });

  it('is one of PIV: others, and PIV cards without a certificate for the card, are known by their number', async () => {
    expect(await proofOf({})).toBe('not proven');
    const answers = ['6A82', '6A81', '6D00', '6E00', '6300'];
    const notPiv = await Promise.all(answers.map((answer) => proveCard(exchangeWith({ answer: () => answer }), cardTrust(trustIn([root]), heldClock()))));
    expect(notPiv).toEqual(answers.map(() => ({ ok: true, proven: false })));
  });

  it('never sees the same challenge twice', async () => {
    const card = pivCard({ keys: { '9E': await issuing.issue() } });
    const challenges: string[] = [];
    const listening = exchangeWith({
      answer(apdu) {
        if (apdu.startsWith('0087')) challenges.push(apdu);
        return card.answer(apdu);
      },
    });
    for (let time = 0; time < 3; time += 1) await proveCard(listening, cardTrust(trustIn([root, issuing]), heldClock()));
    expect(new Set(challenges).size).toBe(3);
  });
});

describe('a card that is not believed', () => {
  it('is from a stranger, or from an authority whose root is not trusted', async () => {
    expect(await proofOfIssued({}, stranger)).toBe('card-untrusted');
    expect(await proofOfIssued({}, issuing, trustIn([root]))).toBe('card-untrusted');
    expect(await proofOfIssued({}, issuing, trustIn([issuing]))).toBe('card-untrusted');
  });

  it('is from one who took the name of an authority', async () => {
    expect(await proofOfIssued({}, await cardAuthority('Hospital Cards'))).toBe('card-untrusted');
  });

  it('is below a certificate that is no authority, or deeper than the root allows', async () => {
    const noAuthority = await cardAuthority('Ward Clerk', { issuer: root, noAuthority: true });
    const tooDeep = await cardAuthority('Sub Cards', { issuer: issuing });
    expect(await proofOfIssued({}, noAuthority, trustIn([root, noAuthority]))).toBe('card-untrusted');
    expect(await proofOfIssued({}, tooDeep, trustIn([root, issuing, tooDeep]))).toBe('card-untrusted');
  });

  it('has a certificate for another purpose, without a name, with two names, or with a demand that is not understood', async () => {
    const second = new SubjectAlternativeNameExtension([UUID, UUID.replace('0f', '1f')].map((uuid) => ({ type: 'url', value: `urn:uuid:${uuid}` })));
    expect(await proofOfIssued({ purposes: [SIGN_IN_PURPOSE] })).toBe('card-untrusted');
    expect(await proofOfIssued({ purposes: [] })).toBe('card-untrusted');
    expect(await proofOfIssued({ uuid: null })).toBe('card-untrusted');
    expect(await proofOfIssued({ uuid: 'not-a-uuid' })).toBe('card-untrusted');
    expect(await proofOfIssued({ uuid: null, extensions: [second] })).toBe('card-untrusted');
    expect(await proofOfIssued({ extensions: [new Extension('1.2.3.4', true, new Uint8Array([5, 0]))] })).toBe('card-untrusted');
    expect(await proofOfIssued({ extensions: [new Extension('1.2.3.4', false, new Uint8Array([5, 0]))] })).toBe(NAME);
  });

  it('is expired, not valid yet, or under an authority that is expired, by the trusted time as it goes on', async () => {
    expect(await proofOfIssued({ untilMs: NOON - DAY_MS })).toBe('card-expired');
    expect(await proofOfIssued({ fromMs: NOON + DAY_MS })).toBe('card-expired');
    const old = await cardAuthority('Old Cards', { issuer: root, untilMs: NOON - DAY_MS });
    expect(await proofOfIssued({}, old, trustIn([root, old]))).toBe('card-expired');

    const clock = heldClock();
    const trust = cardTrust(trustIn([root, issuing]), clock);
    const expiring = exchangeWith(pivCard({ keys: { '9E': await issuing.issue({ untilMs: NOON + 60_000 }) } }));
    expect(await proveCard(expiring, trust)).toMatchObject({ ok: true });
    clock.advance(61_000);
    expect(await proveCard(expiring, trust)).toEqual({ ok: false, cause: 'card-expired' });
  });

  it('is revoked by its own authority, not by the same number of another; or its authority is', async () => {
    const revokedBy = ({ fingerprint }: CardAuthority, serial: string) => trustIn([root, issuing, stranger], [{ authority: fingerprint, serials: [serial] }]);
    const issued = await issuing.issue({ serial: '0A0B0C' });
    expect(await proofOf({ '9E': issued }, revokedBy(issuing, 'A0B0C'))).toBe('card-revoked');
    expect(await proofOf({ '9E': issued }, revokedBy(stranger, 'A0B0C'))).toBe(NAME);
    const serialOfIssuing = new X509Certificate(issuing.certificate).serialNumber.replace(/^0+/, '');
    expect(await proofOf({ '9E': issued }, revokedBy(root, serialOfIssuing))).toBe('card-revoked');
  });

  it('is expired on one path and valid on another: the valid one counts', async () => {
    const renewed: CardAuthority = { ...issuing, certificate: (await sameKeysAs(issuing, root)).certificate };
    const expired = { ...issuing, certificate: (await sameKeysAs(issuing, root, NOON - DAY_MS)).certificate };
    expect(await proofOf({ '9E': await issuing.issue() }, trustIn([root, expired]))).toBe('card-expired');
    expect(await proofOf({ '9E': await issuing.issue() }, trustIn([root, expired, renewed]))).toBe(NAME);
  });

  it('is a copy: with another key, or with none', async () => {
    const original = await issuing.issue();
    const other = await issuing.issue();
    const { key: _, ...withoutKey } = original;
    expect(await proofOf({ '9E': { ...original, key: other.key } })).toBe('card-forged');
    expect(await proofOf({ '9E': withoutKey })).toBe('card-forged');
    const rsa = await issuing.issue({ kind: 'RSA-2048' });
    expect(await proofOf({ '9E': { ...rsa, key: (await issuing.issue({ kind: 'RSA-2048' })).key } })).toBe('card-forged');
  });
});

/** Another certificate of an authority's own key. */
async function sameKeysAs(authority: CardAuthority, issuer: CardAuthority, untilMs = NOON + DAY_MS): Promise<CardAuthority> {
  return cardAuthority(authority.name, { issuer, untilMs, keys: authority.keys });
}

describe('bytes of certificates', () => {
  it('that are no certificate, or of a list of authorities, are counted and trust nobody', async () => {
    const trust = { ...trustIn([root]), authorities: [Buffer.from('not a certificate').toString('base64'), root.certificate.toString('base64')] };
    expect(cardTrust(trust, heldClock()).unusable).toBe(1);
    expect(await proofOfIssued({}, issuing, { ...trust, authorities: trust.authorities.slice(0, 1) })).toBe('card-untrusted');
  });

  it('that say that they are compressed and unpack without end are refused', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
    const object = Buffer.concat([Buffer.from([0x70, 0x82, bomb.length >> 8, bomb.length & 0xff]), bomb, Buffer.from([0x71, 1, 1])]);
    const whole = Buffer.concat([Buffer.from([0x53, 0x82, object.length >> 8, object.length & 0xff]), object]);
    const exchange: Exchange = async (apdu) => ({ ok: true, answer: apdu[1] === 0xcb ? Buffer.concat([whole, Buffer.from('9000', 'hex')]) : Buffer.from('9000', 'hex') });
    expect(await readCertificate(exchange, CARD_AUTHENTICATION)).toEqual({ ok: false, cause: 'malformed' });
    expect(await proveCard(exchange, cardTrust(trustIn([root]), heldClock()))).toEqual({ ok: false, cause: 'protocol' });
  });
});

describe('another program that selects its own applet in between', () => {
  it.each([1, 2, 3])('once, before our command %i, costs nothing', async (before) => {
    const card = pivCard({ keys: { '9E': await issuing.issue() } });
    let commands = 0;
    const disturbed = exchangeWith({
      answer(apdu) {
        if (commands === before) card.answer(`00A4040006${OTHER_APPLET}`);
        commands += 1;
        return card.answer(apdu);
      },
    });
    expect(await proveCard(disturbed, cardTrust(trustIn([root, issuing]), heldClock()))).toMatchObject({ ok: true, proven: true });
  });
});

describe('a holder who gives a PIN', () => {
  const give = async (card: PivCard, pin: string, trust = trustIn([root, issuing]), uuid = NAME) => {
    const outcome = await proveHolder(exchangeWith(card), cardTrust(trust, heldClock()), uuid, pin);
    return outcome.ok ? 'ok' : outcome.reason;
  };
  const cardOf = async (options: Partial<PivCardOptions> = {}) => pivCard({ keys: { '9E': await issuing.issue(), '9A': holder }, ...options });

  it('is proven by the right one, and the card forgets it afterwards', async () => {
    const card = await cardOf();
    expect(await give(card, '123456')).toBe('ok');
    expect(card.isOpen()).toBe(false);
    const rsa = pivCard({ keys: { '9E': await issuing.issue(), '9A': await issuing.issue({ kind: 'RSA-2048', purposes: [] }) }, pin: '12345678' });
    expect(await give(rsa, '12345678')).toBe('ok');
  });

  it('is told of a wrong one, one try spent for each, until the card is blocked', async () => {
    const card = await cardOf();
    expect([await give(card, '000000'), card.triesLeft()]).toEqual(['card-pin-wrong', 2]);
    expect([await give(card, '1234567'), card.triesLeft()]).toEqual(['card-pin-wrong', 1]);
    expect([await give(card, '000000'), card.triesLeft()]).toEqual(['card-pin-blocked', 0]);
    expect(await give(card, '123456')).toBe('card-pin-blocked');
  });

  it('spends no try on a card that is another, cannot prove itself, or whose certificate for signing in is not trusted', async () => {
    const notOurs = { '9E': await issuing.issue(), '9A': await stranger.issue({ purposes: [SIGN_IN_PURPOSE] }) };
    const another = { '9E': await issuing.issue(), '9A': await issuing.issue({ purposes: [SIGN_IN_PURPOSE], uuid: UUID.replace('0f', '1f') }) };
    const wrongPurpose = { '9E': await issuing.issue(), '9A': await issuing.issue({ purposes: [CARD_PURPOSE] }) };
    const copy = { '9E': { ...(await issuing.issue()), key: holder.key }, '9A': holder };
    const cards = { notOurs, another, wrongPurpose, copy };
    const told: Record<string, unknown> = {};
    for (const [name, keys] of Object.entries(cards)) {
      const card = pivCard({ keys });
      told[name] = [await give(card, '123456'), card.triesLeft()];
    }
    expect(told).toEqual({ notOurs: ['card-has-no-pin', 3], another: ['card-has-no-pin', 3], wrongPurpose: ['card-has-no-pin', 3], copy: ['card-gone', 3] });
    const right = await cardOf();
    expect([await give(right, '123456', trustIn([root, issuing]), NAME.replace('0F', '1F')), right.triesLeft()]).toEqual(['card-gone', 3]);
  });

  it('cannot without a key for it, without contact, or with a card that accepts every PIN and signs nothing', async () => {
    expect(await give(pivCard({ keys: { '9E': await issuing.issue() } }), '123456')).toBe('card-has-no-pin');
    expect(await give(await cardOf({ contactless: true }), '123456')).toBe('card-has-no-pin');
    const other = await issuing.issue();
    expect(await give(pivCard({ keys: { '9E': await issuing.issue(), '9A': { ...holder, key: other.key } } }), '123456')).toBe('card-has-no-pin');
  });

  it('leaves no trace of the PIN in what was sent', async () => {
    const card = await cardOf();
    const sent: Buffer[] = [];
    const exchange = exchangeWith(card);
    const keeping: Exchange = (apdu) => {
      sent.push(apdu);
      return exchange(apdu);
    };
    await proveHolder(keeping, cardTrust(trustIn([root, issuing]), heldClock()), NAME, '123456');
    expect(sent.length).toBeGreaterThan(5);
    expect(sent.filter((apdu) => apdu.includes('123456'))).toEqual([]);
  });
});
