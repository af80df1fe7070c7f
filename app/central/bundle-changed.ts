import type { Queryable } from './database.ts';
import { EVERY_STATION, wake } from './wakener.ts';

/** Notes, in the transaction of `client`, that something a bundle shows has changed. */
export async function bundleChanged(client: Queryable): Promise<void> {
  await client.query('update tenant set revision = revision + 1');
  await wake(client, EVERY_STATION);
}
