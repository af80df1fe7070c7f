import { afterEach, describe, it } from 'vitest';
import { adbServer, whyNoAdb, type AdbServer } from './adb-server.ts';
import { fakeCart, type FakeCart } from './fake-cart.ts';
import { watchedAdapter, type WatchedAdapter } from './watched-adapter.ts';

/** A cart with a USB bus of its own, the real adb server on it, running, and our adapter, not started. */
export interface AdbTestbed {
  readonly cart: FakeCart;
  readonly server: AdbServer;
  /** Starts the adapter on the server; ended with the test. */
  watch(): WatchedAdapter;
  /** Runs after the test, in reverse order. */
  after(act: () => unknown): void;
}

/** A suite of tests beside the real adb server; each is skipped with the reason in its name where the machine has none. */
export function besideRealAdb(suite: string, tests: Readonly<Record<string, (testbed: AdbTestbed) => Promise<void>>>): void {
  const reason = whyNoAdb();
  const cleanUps: (() => unknown)[] = [];

  async function testbed(): Promise<AdbTestbed> {
    const cart = fakeCart();
    cleanUps.push(() => cart.remove());
    const server = await adbServer(cart.root);
    cleanUps.push(() => server.remove());
    await server.start();
    return {
      cart,
      server,
      watch() {
        const watched = watchedAdapter({ port: server.port });
        cleanUps.push(() => watched.stop());
        return watched;
      },
      after: (act) => cleanUps.push(act),
    };
  }

  describe(suite, () => {
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    });
    for (const [name, run] of Object.entries(tests)) {
      if (reason === undefined) it(name, async () => run(await testbed()));
      else it.skip(`${name} (skipped: ${reason})`, () => {});
    }
  });
}
