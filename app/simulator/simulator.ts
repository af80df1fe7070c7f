import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebSocket } from 'ws';
import type { Directory } from './directory.ts';
import { createHappenings } from './happenings.ts';
import { createHostLink } from './host-link.ts';
import { createApi } from './http-api.ts';
import { createAmapiDouble } from './mdm/amapi-double.ts';
import { createNetwork, listen } from './network.ts';
import { createNight, STEP_MS } from './night/night.ts';
import { keepServiceAccount, offsetFor, readWorld, worldFile } from './saved-world.ts';
import type { SavedWorld } from './saved-world.ts';
import { stateFile } from './state-file.ts';
import type { ClockState } from './world-clock.ts';
import { worldWallMs } from './world-clock.ts';
import { cartView, themeAt, type WorldView } from './world-view.ts';
import { createCart } from './world/cart.ts';

const TICK_MS = 50;
const TELL_LIVE_MS = 30;
/** A tap tells who pulls the next tablet for this long. */
const TAP_COUNTS_MS = 60_000;

export interface SimulatorDeps {
  readonly directory: Directory;
  readonly dataDir: string;
  /** 0: any free one. */
  readonly port: number;
  /** HH:MM that the clock shows on the very first start. */
  readonly at?: string;
  /** Where the built panel lies. */
  readonly panelDir: string;
  readonly random: () => number;
  readonly log: (line: string) => void;
  readonly kill: (pid: number) => boolean;
}

export interface Simulator {
  readonly info: { readonly url: string; readonly mdm: { readonly baseUrl: string; readonly enterprise: string; readonly serviceAccountFile: string }; readonly network: { readonly port: number } };
  leadNetwork(target: { host: string; port: number }): void;
  setStationPid(pid: number | undefined): void;
  stop(): Promise<void>;
}

/** A virtual cart and its world: slots and tablets, an MDM, a network, a clock, and an HTTP API to play with them. */
export async function createSimulator(deps: SimulatorDeps): Promise<Simulator> {
  const { directory, dataDir, log } = deps;
  await mkdir(dataDir, { recursive: true });
  const saved = await readWorld(dataDir);
  let clock: ClockState = saved?.clock ?? { wallOffsetMs: deps.at === undefined ? 0 : offsetFor(deps.at, Date.now()), advancedMs: 0 };
  const wallMs = (): number => worldWallMs(clock);

  const cart = createCart({ directory, random: deps.random, worldMs: wallMs(), ...(saved ? { saved: saved.cart } : {}) });
  const happenings = createHappenings({ cart, directory, wallMs, earlier: saved?.log ?? [] });
  const network = await createNetwork({ port: saved?.ports.network ?? 0, ...(saved?.network ?? {}) });
  const hostLink = createHostLink({ cart, wallMs, readerPresent: saved?.readerPresent ?? true, changed: changedByHost });
  const clockFollowers = new Set<WebSocket>();
  const liveViewers = new Set<WebSocket>();
  let stationPid: number | undefined;
  let stationTold = false;
  /** Whoever was killed last is gone, though nobody has told so yet. */
  let killed: number | undefined;
  let lastTap: { staff: string; atMs: number } | undefined;
  let liveTimer: NodeJS.Timeout | undefined;

  const mdmServer = createServer();
  await listen(mdmServer, saved?.ports.mdm ?? 0);
  const mdmPort = (mdmServer.address() as AddressInfo).port;
  const mdmUrl = `http://127.0.0.1:${mdmPort}`;
  const { path: serviceAccountFile, account } = await keepServiceAccount(dataDir, `${mdmUrl}/token`);
  mdmServer.on('request', createAmapiDouble({ mdm: cart.mdm, account, beforeEach: pass, onChange: changed }));

  const file = stateFile<SavedWorld>(
    worldFile(dataDir),
    () => ({
      version: 1,
      clock,
      cart: cart.save(),
      network: { up: network.state().up, delayMs: network.state().delayMs },
      readerPresent: hostLink.readerPresent(),
      ports: { mdm: mdmPort, network: network.port },
      log: happenings.lines(),
    }),
    (error) => log(`simulator: the world could not be saved to ${worldFile(dataDir)}: ${String(error)}`),
  );

  /** Lets time pass up to now and tells everybody what came of it. */
  function pass(): void {
    cart.tick(wallMs());
    const moved = hostLink.tellChanges();
    if (happenings.noticeMdm() || moved) changed();
  }

  function changed(): void {
    file.touch();
    liveTimer ??= setTimeout(() => {
      liveTimer = undefined;
      if (liveViewers.size === 0) return;
      const text = JSON.stringify(view());
      for (const viewer of liveViewers) viewer.send(text);
    }, TELL_LIVE_MS);
  }

  function changedByHost(what: 'light' | 'power' | 'host'): void {
    if (what === 'host') happenings.say('process', hostLink.pid() === undefined ? 'The device host is gone' : 'The device host is connected');
    pass();
    changed();
  }

  function view(): WorldView {
    return {
      at: new Date(wallMs()).toISOString(),
      theme: themeAt(directory.rules, wallMs()),
      ...cartView(cart, directory),
      network: { up: network.state().up, delayMs: network.state().delayMs, connected: network.state().connections > 0 },
      deviceHost: { connected: hostLink.pid() !== undefined, pid: hostLink.pid() ?? null },
      station: { pid: stationPid ?? null },
      readerPresent: hostLink.readerPresent(),
      log: happenings.lines(),
      night: night.view() ?? null,
    };
  }

  function advance(ms: number): void {
    clock = { ...clock, advancedMs: clock.advancedMs + ms };
    for (const follower of clockFollowers) follower.send(JSON.stringify(clock));
  }

  const kill = (pid: number): boolean => {
    killed = pid;
    return deps.kill(pid);
  };

  const night = createNight({
    cart,
    directory,
    happenings,
    network,
    tap: hostLink.tap,
    hostConnected: () => hostLink.pid() !== undefined && hostLink.pid() !== killed,
    // The program that started this one tells of every station it starts; without it there is none to wait for.
    stationRuns: () => (stationPid !== undefined && stationPid !== killed) || !stationTold,
    killStation: () => {
      if (stationPid !== undefined && kill(stationPid)) happenings.say('process', 'The power failed: the station was killed');
    },
    wallMs,
    advance(ms) {
      advance(ms);
      pass();
    },
    changed,
    realMs: () => performance.now(),
  });

  /** Does one thing to the world, in order: time first, then the deed, then everybody hears of it. */
  function act<T>(deed: () => T): T {
    pass();
    const outcome = deed();
    pass();
    changed();
    return outcome;
  }

  const follow = (followers: Set<WebSocket>, first: () => unknown) => (socket: WebSocket): void => {
    followers.add(socket);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => followers.delete(socket));
    socket.send(JSON.stringify(first()));
  };

  const api = await createApi({
    panelDir: deps.panelDir,
    log,
    cart,
    happenings,
    network,
    hostLink,
    act,
    view: () => (pass(), view()),
    clock: () => clock,
    staff: directory.staff,
    tapped: (staff) => void (lastTap = { staff, atMs: wallMs() }),
    lastTapper: () => (lastTap && wallMs() - lastTap.atMs < TAP_COUNTS_MS ? lastTap.staff : ''),
    advance,
    night,
    random: deps.random,
    followClock: follow(clockFollowers, () => clock),
    followWorld: follow(liveViewers, view),
    stationPid: () => stationPid,
    kill,
  });
  const url = await api.listen({ host: '127.0.0.1', port: deps.port });
  const ticking = setInterval(pass, TICK_MS);
  const playing = setInterval(night.step, STEP_MS);
  await file.flush();

  return {
    info: { url, mdm: { baseUrl: mdmUrl, enterprise: cart.mdm.enterprise, serviceAccountFile }, network: { port: network.port } },
    leadNetwork: network.lead,
    setStationPid(pid) {
      stationPid = pid;
      stationTold = true;
      changed();
    },
    async stop() {
      clearInterval(ticking);
      clearInterval(playing);
      clearTimeout(liveTimer);
      hostLink.close();
      for (const socket of [...clockFollowers, ...liveViewers]) socket.terminate();
      mdmServer.closeAllConnections();
      await Promise.all([api.close(), network.close(), new Promise((resolve) => mdmServer.close(resolve))]);
      await file.close();
      clearTimeout(liveTimer);
    },
  };
}
