import { useEffect, useState } from 'react';
import type { WorldView } from '../world-view.ts';

export type { WorldView };
export type VirtualTablet = WorldView['tablets'][number];
export type NightView = NonNullable<WorldView['night']>;
export type Person = WorldView['staff'][number];

const RETRY_MS = 700;

/** The world as it is now, and whether the simulator still tells it. */
export function useWorld(): { world: WorldView | undefined; connected: boolean } {
  const [world, setWorld] = useState<WorldView>();
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    let closed = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let socket: WebSocket | undefined;
    const connect = (): void => {
      socket = new WebSocket(`ws://${location.host}/live`);
      socket.onmessage = (event: MessageEvent<string>) => {
        setConnected(true);
        // The simulator that serves this page sends it: same origin, same build.
        setWorld(JSON.parse(event.data) as WorldView);
      };
      socket.onclose = () => {
        if (closed) return;
        setConnected(false);
        timer = setTimeout(connect, RETRY_MS);
      };
    };
    connect();
    return () => {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    };
  }, []);
  return { world, connected };
}

/** Asks the simulator to do something. The answer is what to tell the person, if it did not. */
export async function ask(path: string, body: object): Promise<string | undefined> {
  try {
    const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    if (answer.ok) return undefined;
    const told: unknown = await answer.json();
    return typeof told === 'object' && told !== null && 'message' in told ? String(told.message) : `The simulator answered ${answer.status}.`;
  } catch {
    return 'The simulator does not answer. Is npm start still running?';
  }
}

/** The simulated time, second by second: the last told plus what has passed since. */
export function useWorldTime(at: string | undefined): Date | undefined {
  const [, setBeat] = useState(0);
  const [told, setTold] = useState<{ at: string; heardMs: number }>();
  if (at !== undefined && told?.at !== at) setTold({ at, heardMs: performance.now() });
  useEffect(() => {
    const timer = setInterval(() => setBeat((beat) => beat + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return told && new Date(Date.parse(told.at) + performance.now() - told.heardMs);
}
