/** Writes every sample × theme × format to .cache/screens/, and a sheet of all at 25 %. Run with Node after `vite build`; arguments: beginnings of names, `--language=he`. */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '../support/chromium.ts';
import { showOn } from './drawn.ts';
import { startFakeStation } from './kiosk-server.ts';
import { OVERNIGHT_SAMPLES } from './overnight-samples.ts';
import { SAMPLES as DAY_SAMPLES } from './samples.ts';

const SAMPLES = { ...DAY_SAMPLES, ...OVERNIGHT_SAMPLES };
const FORMATS = { landscape: { width: 1280, height: 800 }, portrait: { width: 1080, height: 1920 } };
const folder = fileURLToPath(new URL('../../.cache/screens/', import.meta.url));
const language = process.argv.find((argument) => argument.startsWith('--language='))?.slice('--language='.length) ?? 'en';
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const suffix = language === 'en' ? '' : `-${language}`;
const names = Object.keys(SAMPLES).filter((name) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)));

await mkdir(folder, { recursive: true });
const station = await startFakeStation();
const browser = await launchChromium('--force-color-profile=srgb');
for (const [format, viewport] of Object.entries(FORMATS)) {
  const page = await browser.newPage({ viewport });
  await page.goto(station.url);
  const shots: string[] = [];
  for (const theme of ['day', 'night'] as const) {
    for (const name of names) {
      const sample = SAMPLES[name];
      if (sample === undefined) continue;
      await showOn(page, station, { ...sample, theme, language });
      const shot = await page.screenshot({ path: `${folder}${name}-${theme}-${format}${suffix}.png` });
      shots.push(`<img src="data:image/png;base64,${shot.toString('base64')}" width="${viewport.width / 4}">`);
    }
  }
  const sheet = await browser.newPage({ viewport: { width: (viewport.width / 4 + 8) * 6, height: 400 } });
  await sheet.setContent(`<body style="margin:0;background:#888;display:flex;flex-wrap:wrap;gap:8px">${shots.join('')}`);
  await sheet.screenshot({ path: `${folder}sheet-${format}${suffix}.png`, fullPage: true });
  await sheet.close();
  await page.close();
}
await browser.close();
await station.close();
