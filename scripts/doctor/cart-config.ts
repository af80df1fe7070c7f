import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stationConfig, type StationConfig } from '../../app/station/config.ts';
import { missing, type Finding } from './finding.ts';

/** What the cart is judged by. Without a configuration everything is described, and judged as the defaults of one. */
export interface Cart {
  readonly heading: readonly string[];
  readonly config: StationConfig | undefined;
  /** Something is wrong with the configuration itself. */
  readonly trouble?: Finding;
}

const WITHOUT = 'No configuration was given, so this describes what is here. To judge a cart: npm run doctor -- --config station.json, or --data DIR of a station.';
const MEANING = 'The station refuses to start with it, and what else is said here is not judged by it.';

export async function readCart({ config, data }: { readonly config: string | undefined; readonly data: string | undefined }): Promise<Cart> {
  const file = config ?? (data === undefined ? undefined : join(data, 'station.json'));
  if (file === undefined) return { heading: [WITHOUT], config: undefined };
  const read = await readFile(file, 'utf8').catch((error: Error) => error);
  if (read instanceof Error) return broken(file, `configuration ${file} cannot be read: ${read.message}`, 'write it as the README shows, or name another with --config');
  const value = parsed(read);
  if (value === undefined) return broken(file, `configuration ${file} is not JSON`, 'mend it; the README shows a whole one');
  const checked = stationConfig.safeParse(value.json);
  if (!checked.success) {
    const wrong = checked.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ');
    return broken(file, `configuration ${file} is wrong: ${wrong}`, 'mend it; the README says what it may hold');
  }
  return { heading: [`Judged by ${file}: ${summary(checked.data)}.`], config: checked.data };
}

function broken(file: string, what: string, mend: string): Cart {
  return { heading: [`${file} cannot be used; see Program.`], config: undefined, trouble: missing(what, MEANING, [mend]) };
}

function parsed(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function summary({ shelves, readers, hidReaders, slots, hub, tablets }: StationConfig): string {
  const badges = [`readers ${readers}`, ...(hidReaders === false ? [] : ['HID readers'])].join(' and ');
  const asked = Object.keys(tablets);
  return [`${shelves.flat().length} slots (${slots})`, badges, `hub ${hub.kind}`, asked.length === 0 ? 'tablets are not asked' : `tablets asked by ${asked.join(' and ')}`].join(', ');
}
