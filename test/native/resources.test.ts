import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';

const resource = (name: string): string => fileURLToPath(new URL(`../../resources/linux/${name}`, import.meta.url));
const without = (program: string): string => (spawnSync(program, ['--version']).error === undefined ? '' : ` (skipped: ${program} not present)`);
const noSystemd = without('systemd-analyze');
const noUsbguard = without('usbguard-rule-parser');

function written(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-resource-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const STATION = readFileSync(resource('dockward-station.service'), 'utf8');
const complaints = (text: string): readonly string[] =>
  spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', written('dockward-station.service', text)], { encoding: 'utf8' })
    .stderr.split('\n')
    .filter((line) => line.includes('dockward-station') && !/not executable|No such file or directory/.test(line));

test.skipIf(noSystemd !== '')(`systemd understands every line of the station's unit, and finds it well shut${noSystemd}`, () => {
  expect(complaints(STATION)).toEqual([]);
  expect(complaints(STATION.replace('NoNewPrivileges=', 'NoMorePrivileges=')).join('\n')).toContain('NoMorePrivileges');
  const exposure = (text: string): number => Number(/: ([\d.]+) /.exec(spawnSync('systemd-analyze', ['security', '--offline=true', written('dockward-station.service', text)], { encoding: 'utf8' }).stdout.split('\n').findLast((line) => line.includes('Overall exposure')) ?? '')?.[1]);
  // Its scale: 0 is shut, 10 is open. A daemon without any of it has 9.6.
  expect(exposure(STATION)).toBeLessThanOrEqual(2);
  expect(exposure(STATION.replace(/^(CapabilityBoundingSet|SystemCallFilter|DevicePolicy|ProtectSystem)=.*$/gm, ''))).toBeGreaterThan(2);
});

const parsed = (text: string): { readonly status: number | null; readonly rules: readonly string[] } => {
  const { status, stdout } = spawnSync('usbguard-rule-parser', ['-f', written('rules.conf', text)], { encoding: 'utf8' });
  return { status, rules: stdout.split('\n').filter((line) => /^OUTPUT: \w/.test(line)).map((line) => line.slice('OUTPUT: '.length)) };
};

test.skipIf(noUsbguard !== '')(`usbguard understands the example policy, and its last word is no${noUsbguard}`, () => {
  const policy = readFileSync(resource('usbguard-rules.conf'), 'utf8');
  const { status, rules } = parsed(policy);
  expect([status, rules.length, rules.at(-1)]).toEqual([0, policy.split('\n').filter((line) => /^\w/.test(line)).length, 'reject']);
  expect(parsed(`${policy}\nallow with-interface some-of { 03:*:* }\n`).status).not.toBe(0);
  // Whatever has a keyboard's or a stick's interface is refused before anything is allowed for what else it has.
  const refusal = rules.findIndex((rule) => rule.startsWith('reject with-interface one-of') && rule.includes('03:*:*') && rule.includes('08:*:*'));
  expect(refusal).toBeGreaterThan(0);
  expect(rules.findIndex((rule) => rule.includes('ff:42:01'))).toBeGreaterThan(refusal);
});

test('udev: each rule is one that udev knows, gives rights to the cart’s user alone, and opens nothing to everybody', () => {
  const rules = readFileSync(resource('70-dockward.rules'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(rules.length).toBeGreaterThan(0);
  const KNOWN = /^(?:KERNEL|SUBSYSTEM|DRIVER|ATTRS\{\w+\}|ENV\{\w+\})==|^(?:GROUP|MODE)=|^RUN\+=/;
  for (const rule of rules) {
    for (const part of rule.split(/, (?=[A-Z])/)) expect(part).toMatch(KNOWN);
    const mode = /MODE="(\d+)"/.exec(rule)?.[1];
    if (mode !== undefined) expect(Number.parseInt(mode, 8) & 0o007).toBe(0);
    expect(rule).toContain('dockward');
  }
});

test('polkit: only the cart’s group may speak with pcscd by this rule, and nothing else is decided', () => {
  const text = readFileSync(resource('70-dockward-pcscd.rules'), 'utf8');
  type Rule = (action: { id: string }, subject: { isInGroup(name: string): boolean }) => string | undefined;
  const rules: Rule[] = [];
  runInNewContext(text, { polkit: { addRule: (rule: Rule) => rules.push(rule), Result: { YES: 'yes' } } });
  const asked = (id: string, group: string): readonly (string | undefined)[] => rules.map((rule) => rule({ id }, { isInGroup: (name) => name === group }));
  for (const id of ['org.debian.pcsc-lite.access_pcsc', 'org.debian.pcsc-lite.access_card']) {
    expect(asked(id, 'dockward')).toEqual(['yes']);
    expect(asked(id, 'users')).toEqual([undefined]);
  }
  expect(asked('org.freedesktop.systemd1.manage-units', 'dockward')).toEqual([undefined]);
});
