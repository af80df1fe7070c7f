import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const UNIT = fileURLToPath(new URL('../../resources/linux/dockward-kiosk@.service', import.meta.url));
const analyzer = spawnSync('systemd-analyze', ['--version']);
const missing = analyzer.error === undefined ? '' : ' (skipped: systemd-analyze not present)';

/** What systemd says about a unit; the programs and the station it names are not installed on a test machine. */
function complaintsAbout(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-unit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'dockward-kiosk@.service'), text);
  copyFileSync(join(folder, 'dockward-kiosk@.service'), join(folder, 'dockward-kiosk@tty7.service'));
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', join(folder, 'dockward-kiosk@tty7.service')], { encoding: 'utf8' });
  return stderr.split('\n').filter((line) => line.includes('dockward-kiosk') && !/not executable|No such file or directory/.test(line));
}

test.skipIf(missing !== '')(`systemd understands every line of the kiosk's unit${missing}`, () => {
  const unit = readFileSync(UNIT, 'utf8');
  expect(complaintsAbout(unit)).toEqual([]);
  expect(complaintsAbout(unit.replace('ProtectSystem=', 'ProtectSystems=')).join('\n')).toContain('ProtectSystems');
});

test('nobody can switch to another terminal, and the window comes back when it ends', () => {
  const unit = readFileSync(UNIT, 'utf8');
  expect(unit).toMatch(/^ExecStart=\/usr\/bin\/cage -- /m);
  expect(unit).toMatch(/^Restart=always$/m);
});
