import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tabletFacts } from '../../app/contract/device-host.ts';
import { androidFacts, batteryFacts, parseProperties, provisionedFact, shellLine } from '../../native/tablets/android-facts.ts';
import { shellAnswer, virtualTablet } from '../support/adb/virtual-tablet.ts';

const hostile = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw).toString('utf8')));
const ended = (text: string, exit = 0) => `${text}\ndockward-end ${exit}\n`;

describe('what an Android tablet says of itself', () => {
  it('is read from one answer to one line', () => {
    const { output } = shellAnswer(virtualTablet('R52T100ABCD'), shellLine('whole'));
    const facts = { model: 'SM-X300', verifiedBoot: 'green', provisioned: true, batteryPercent: 83 };
    expect(androidFacts('whole', output)).toMatchObject({ ok: true, value: { partial: false, facts } });
  });

  it('without what failed while Android starts is partial, and nothing is guessed', () => {
    const output = ended('[ro.product.model]: [SM-X300]') + ended("Can't find service: battery") + ended('cmd: Can\'t find service: settings', 20);
    expect(androidFacts('whole', output)).toEqual({ ok: true, value: { partial: true, facts: { model: 'SM-X300' } } });
  });

  it('a command that failed tells nothing, whatever it printed', () => {
    expect(androidFacts('battery', ended('  status: 2\n  level: 83\n  scale: 100', 1))).toEqual({ ok: true, value: { partial: true, facts: {} } });
  });

  it('with more, fewer or no ends is malformed', () => {
    const malformed = ['', ended(''), ended('').repeat(2), ended('').repeat(4), `${ended('').repeat(3)}more`];
    for (const output of malformed) expect(androidFacts('whole', output)).toEqual({ ok: false, reason: 'malformed' });
  });

  it('of any text in any part keeps to the contract', () => {
    const value = fc.oneof(hostile, fc.string({ maxLength: 200 }));
    fc.assert(
      fc.property(value, value, hostile, hostile, (model, patch, battery, provisioned) => {
        const properties = `[ro.product.model]: [${model}]\n[ro.build.version.security_patch]: [${patch}]\n[ro.boot.verifiedbootstate]: [${model}]`;
        const answer = androidFacts('whole', ended(properties) + ended(battery) + ended(provisioned));
        if (answer.ok) expect(tabletFacts.safeParse(answer.value.facts).success).toBe(true);
        if (answer.ok) expect(Object.keys(answer.value.facts)).not.toContain('batteryPercent');
      }),
    );
  });

  it('leaves out what is too long, has control characters or is no patch level; without a fingerprint the build is the display id', () => {
    const properties = [`[ro.build.fingerprint]: [${'x'.repeat(121)}]`, '[ro.build.display.id]: [AP3A]', '[ro.product.model]: [SM\u001b[31m]'];
    properties.push('[ro.build.version.security_patch]: [2026-9-1]', '[ro.boot.verifiedbootstate]: [purple]');
    expect(androidFacts('whole', ended(properties.join('\n')) + ended('') + ended('null'))).toEqual({ ok: true, value: { partial: true, facts: { build: 'AP3A' } } });
  });
});

describe('properties', () => {
  it('are those on lines of their own; of one told twice and differently nothing is known', () => {
    const text = '[a]: [1]\n[b]: []\n[several]: [first\nsecond]\n[c]: [x]]\n[a]: [2]\n[d]: [same]\n[d]: [same]\r\nnoise';
    expect(Object.fromEntries(parseProperties(text))).toEqual({ b: '', c: 'x]', d: 'same' });
  });

  it('come back as they were printed', () => {
    const key = fc.stringMatching(/^[a-z._]{1,20}$/);
    const value = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\n\r\u2028\u2029]/.test(text));
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 10, noNullPrototype: true }), (properties) => {
        const printed = Object.entries(properties).map(([name, text]) => `[${name}]: [${text}]`).join('\n');
        expect(parseProperties(printed)).toEqual(new Map(Object.entries(properties)));
      }),
    );
  });

  it('of a quarter of a megabyte of open brackets are read in one go over it', () => {
    expect(parseProperties('[a]: ['.repeat(43_000)).size).toBe(0);
    expect(parseProperties('[a]: [\n'.repeat(37_000)).size).toBe(0);
  });
});

describe('the battery', () => {
  const dump = (changed: Readonly<Record<string, string>>) => {
    const values = { status: '2', present: 'true', level: '83', scale: '100', ...changed };
    return ['Current Battery Service state:', ...Object.entries(values).map(([name, value]) => `  ${name}: ${value}`)].join('\n');
  };

  it('is a whole percentage of its scale, rounded down', () => {
    expect(batteryFacts(dump({ level: '2', scale: '3' }))).toEqual({ batteryPercent: 66, charging: true });
    expect(batteryFacts(dump({ level: '255', scale: '255', status: '5' }))).toEqual({ batteryPercent: 100, charging: true });
  });

  it('says whether it charges only where Android knows', () => {
    const charging = ['1', '2', '3', '4', '5', '6', 'x'].map((status) => batteryFacts(dump({ status })).charging);
    expect(charging).toEqual([undefined, true, false, false, true, undefined, undefined]);
  });

  it('above its scale, without one, negative, or taken out is unknown', () => {
    const unknown: Record<string, string>[] = [{ level: '101' }, { scale: '0' }, { level: '-1' }, { level: '83.5' }, { present: 'false' }];
    for (const changed of unknown) expect(batteryFacts(dump(changed))).toEqual({ charging: true });
  });

  it('tells its temperature in whole degrees and its health where Android knows', () => {
    expect(batteryFacts(dump({ temperature: '274', health: '2' }))).toMatchObject({ batteryCelsius: 27, batteryHealth: 'good' });
    expect(batteryFacts(dump({ temperature: '-63', health: '7' }))).toMatchObject({ batteryCelsius: -6, batteryHealth: 'cold' });
    expect(['3', '4', '5'].map((health) => batteryFacts(dump({ health })).batteryHealth)).toEqual(['overheated', 'dead', 'over-voltage']);
    for (const changed of [{ temperature: '27.4', health: '6' }, { temperature: '9999', health: 'x' }]) expect(batteryFacts(dump(changed))).toEqual({ batteryPercent: 83, charging: true });
  });

  it('that somebody plays by hand tells nothing', () => {
    expect(batteryFacts(dump({}).replace('state:', "state:\n  (UPDATES STOPPED -- use 'reset' to restart)"))).toEqual({});
  });
});

describe('the setup assistant', () => {
  it('is done, is not, or nothing is known', () => {
    expect(['1\n', '0\r\n', 'null\n', ''].map(provisionedFact)).toEqual([{ provisioned: true }, { provisioned: false }, {}, {}]);
  });
});
