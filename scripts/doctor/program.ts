import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chooseWindow } from '../../app/entrypoints/kiosk-window.ts';
import { SQLITE_VERSION } from '../../app/storage/sqlite.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { root } from '../checks.ts';
import { missing, ok, optional, type Finding } from './finding.ts';
import { isRoot, SERVICE_USER } from './rights.ts';

/** The program itself: versions, who runs it, its pages and the window that shows them. */
export async function program(configTrouble: Finding | undefined, user: string): Promise<readonly Finding[]> {
  return [versions(), ...(configTrouble === undefined ? [] : [configTrouble]), ...asRoot(user), await page(), await kioskWindow()];
}

function versions(): Finding {
  return ok(`Dockward ${packageJson.version}, Node ${process.versions.node}, SQLite ${SQLITE_VERSION}, ${process.platform} ${process.arch}`);
}

/** Whoever may do everything finds no right missing. */
function asRoot(user: string): readonly Finding[] {
  if (!isRoot()) return [ok(`rights: those of the user ${user} were looked at`)];
  return [optional(`rights: ${user} may do everything, so none was found missing`, `The station runs as ${SERVICE_USER} where resources/linux is installed: ask as that user.`, [`runuser -u ${SERVICE_USER} -- npm run doctor -- …`])];
}

async function page(): Promise<Finding> {
  const isBuilt = await stat(join(root, 'dist/kiosk/index.html')).then(() => true, () => false);
  return isBuilt ? ok('kiosk page: built') : missing('kiosk page: not built', 'The screen stays empty.', ['npm run build']);
}

async function kioskWindow(): Promise<Finding> {
  const chosen = await chooseWindow();
  if (chosen !== undefined) return ok(`kiosk window: ${chosen.kind} (${chosen.program})`);
  const electron = createRequire(import.meta.url)('electron/package.json') as { version: string };
  return optional(`kiosk window: neither the binary of Electron ${electron.version} with a display, nor a Chromium with one`, 'The kiosk can be any browser at the address that the station prints.', [
    'start from a graphical session; npx electron --version fetches the binary, or apt-get install chromium',
  ]);
}
