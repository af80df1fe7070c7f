import 'reflect-metadata';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseCertificate } from '../../native/readers/card-certificate.ts';
import type { Exchange } from '../../native/readers/card-link.ts';
import { proveCard, proveHolder } from '../../native/readers/card-proof.ts';
import { cardTrust, type CardTrust } from '../../native/readers/card-trust.ts';
import { apdusOf, ask } from '../../native/readers/piv-apdu.ts';
import { tlv, tlvAt, tlvList, valueAt } from '../../native/readers/piv-tlv.ts';
import { cardAuthority, SIGN_IN_PURPOSE, trustIn, type CardKey } from '../support/pcsc/card-authority.ts';
import { pivCard } from '../support/pcsc/piv-card.ts';
import { heldClock } from './held-clock.ts';

const NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';
const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints).map((array) => Buffer.from(array));

let trust: CardTrust;
let keys: { '9A': CardKey; '9E': CardKey };

beforeAll(async () => {
  const root = await cardAuthority('Root');
  trust = cardTrust(trustIn([root]), heldClock());
  keys = { '9A': await root.issue({ purposes: [SIGN_IN_PURPOSE] }), '9E': await root.issue() };
});

/** A card that says whatever `answer` says, for ever; fails the test when it is asked without end. */
function lying(answer: (turn: number) => Buffer): { exchange: Exchange; turns(): number } {
  let turn = 0;
  return {
    turns: () => turn,
    async exchange() {
      if (turn > 2_000) throw new Error('asked without end');
      return { ok: true, answer: answer(turn++) };
    },
  };
}

describe('objects of a lying card', () => {
  it('are read back as they were written, and never beyond their bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(0x53, 0x7c, 0x5c, 0x5fc1, 0x5f2f, 0x7f49), bytes({ maxLength: 700 }), bytes({ maxLength: 20 }), (tag, value, behind) => {
        const written = tag === 0x5fc1 ? tlv(0x5fc101, value) : tlv(tag, value);
        const read = tlvAt(Buffer.concat([written, behind]));
        expect(read).toEqual({ tag: tag === 0x5fc1 ? 0x5fc101 : tag, value, end: written.length });
        for (const cut of [1, written.length - 1, Math.floor(written.length / 2)]) expect(tlvAt(written.subarray(0, cut))).toBeUndefined();
      }),
    );
  });

  it('that claim lengths without their bytes, or no end, are none', () => {
    for (const hex of ['', '53', '5380', '5381', '53820100', '5384FFFFFFFF', '53FF', '5F', '5FC1', '5FC1C1C10100', '1FFFFFFFFF01']) expect(tlvAt(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  it('of any bytes at all are taken apart without harm', () => {
    fc.assert(
      fc.property(bytes({ maxLength: 300 }), (any) => {
        const whole = tlvList(any);
        if (whole !== undefined) expect(whole.at(-1)?.end ?? 0).toBe(any.length);
        valueAt(any, 0x53, 0x70);
        parseCertificate(any);
      }),
      { numRuns: 500 },
    );
  });
});

describe('certificates of a lying card', () => {
  it('with any bytes changed are never taken for the whole and trusted one', () => {
    const genuine = keys['9E'].certificate;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = Buffer.from(genuine);
        for (const [at, by] of changes) changed[at] = (changed[at] ?? 0) ^ by;
        fc.pre(!changed.equals(genuine));
        const parsed = parseCertificate(changed);
        if (parsed !== undefined) expect(trust.judge(parsed)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('followed by more than themselves are none', () => {
    expect(parseCertificate(keys['9E'].certificate)).toBeDefined();
    expect(parseCertificate(Buffer.concat([keys['9E'].certificate, Buffer.from([0])]))).toBeUndefined();
  });
});

describe('a card that lies', () => {
  it('with any answers is refused or known by its number, soon and without a throw', async () => {
    const answer = fc.tuple(bytes({ maxLength: 256 }), fc.constantFrom('9000', '6100', '61FF', '6C00', '6C10', '6A82', '6D00', '63C2', '6F00')).map(([data, status]) => Buffer.concat([data, Buffer.from(status, 'hex')]));
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 12 }), async (answers) => {
        const card = lying((turn) => answers[turn % answers.length] ?? Buffer.from('9000', 'hex'));
        const proof = await proveCard(card.exchange, trust);
        expect(proof.ok && proof.proven).toBe(false);
        expect((await proveHolder(card.exchange, trust, NAME, '123456')).ok).toBe(false);
      }),
    );
  });

  it('in one byte of one answer is proven only where the byte means nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(257), fc.integer({ min: 1, max: 255 }), async (lyingTurn, at, by) => {
        const card = pivCard({ keys });
        let turn = 0;
        const exchange: Exchange = async (apdu) => {
          const answer = Buffer.from(card.answer(apdu.toString('hex')) ?? '', 'hex');
          if (turn++ === lyingTurn) answer[at % answer.length] = (answer[at % answer.length] ?? 0) ^ by;
          return { ok: true, answer };
        };
        const proof = await proveCard(exchange, trust);
        if (proof.ok && proof.proven) expect(proof.uuid).toBe(NAME);
        else expect(proof.ok ? 'by its number' : proof.cause).toMatch(/^(by its number|protocol|card-forged|card-untrusted)$/);
      }),
      { numRuns: 200 },
    );
  });

  it('by announcing more for ever is left after 256 answers or 16 KiB', async () => {
    const command = { ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5C035FC101', 'hex'), answered: true };
    const nothing = lying(() => Buffer.from('6100', 'hex'));
    expect(await ask(nothing.exchange, command)).toEqual({ ok: false, cause: 'protocol' });
    expect(nothing.turns()).toBe(256);
    const full = lying(() => Buffer.concat([Buffer.alloc(256), Buffer.from('6100', 'hex')]));
    expect(await ask(full.exchange, command)).toEqual({ ok: false, cause: 'protocol' });
    expect(full.turns()).toBe(65);
    expect(await ask(lying(() => Buffer.from('6C20', 'hex')).exchange, command)).toEqual({ ok: false, cause: 'protocol' });
  });

  it('by asking for another length than that of the PIN does not get a part of it', async () => {
    const verify = { ins: 0x20, p1: 0, p2: 0x80, data: Buffer.from('313233343536FFFF', 'hex'), answered: false };
    expect(await ask(lying(() => Buffer.from('6C07', 'hex')).exchange, verify)).toMatchObject({ status: 0x6c07 });
  });
});

describe('commands', () => {
  it('of any length arrive whole, in blocks of at most 255 bytes of which only the last is unchained', () => {
    fc.assert(
      fc.property(bytes({ maxLength: 1_000 }), fc.boolean(), (data, answered) => {
        const apdus = apdusOf({ ins: 0x87, p1: 7, p2: 0x9e, data, answered });
        const blocks = apdus.map((apdu) => (data.length === 0 ? Buffer.alloc(0) : apdu.subarray(5, 5 + (apdu[4] ?? 0))));
        expect(Buffer.concat(blocks)).toEqual(data);
        expect(apdus.map((apdu) => apdu[0])).toEqual([...apdus.slice(1).map(() => 0x10), 0]);
        expect(apdus.every((apdu) => apdu.length <= 261)).toBe(true);
      }),
    );
  });
});
