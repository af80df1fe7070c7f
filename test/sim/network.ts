import { refused } from '../../app/domain/result.ts';
import { between } from '../../app/simulator/world/random.ts';
import { understand, type CentralClient, type CentralRefusal } from '../../app/sync/central-client.ts';
import type { Result } from '../../app/domain/result.ts';
import type { Answer, Central } from './central-processes.ts';
import type { ProcessLife } from './process-life.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How a network treats its messages; chances per message. */
export interface NetworkManners {
  readonly requestLost: number;
  readonly answerLost: number;
  readonly doubled: number;
  /** It arrives long after the sender has given up: later ones overtake it. */
  readonly overtaken: number;
  /** The server is busy: 429 with Retry-After. */
  readonly busy: number;
}
export const GOOD_MANNERS: NetworkManners = { requestLost: 0, answerLost: 0, doubled: 0, overtaken: 0, busy: 0 };

export interface NetworkCounts {
  requests: number;
  lost: number;
  doubled: number;
  overtaken: number;
  busy: number;
}

export interface Network {
  manners: NetworkManners;
  /** Carts that nothing reaches and nothing leaves. */
  readonly cut: Set<string>;
  /** The way of one program of `cart`, enrolled as `station`, to the server. `heard`: told of every answer that reaches it. */
  client(cart: string, station: string, life: ProcessLife, heard: (method: string, path: string, body: unknown, answer: Answer) => void): CentralClient;
}

const POST_TIMEOUT_MS = 15_000;

export function createNetwork(time: VirtualTime, random: () => number, central: Central, counts: NetworkCounts): Network {
  const network: Network = {
    manners: GOOD_MANNERS,
    cut: new Set(),
    client: (cart, station, life, heard) => {
      let closing = new AbortController();
      const exchange = <T>(method: 'GET' | 'POST', path: string, body: unknown, timeoutMs: number, shape: Parameters<typeof understand<T>>[3]): Promise<Result<T, CentralRefusal>> =>
        new Promise((resolve) => {
          const closed = closing.signal;
          const text = body === undefined ? undefined : JSON.stringify(body);
          let done = false;
          const gone = new AbortController();
          const finish = (result: Result<T, CentralRefusal>): void => {
            if (done || !life.alive()) return;
            done = true;
            cancelTimeout();
            closed.removeEventListener('abort', onClosed);
            // A reason of its own: the default one is an exception with a stack, which costs more than the request.
            gone.abort('finished');
            resolve(result);
          };
          const unreachable = (message: string): void => finish(refused({ reason: 'unreachable', message }));
          const cancelTimeout = life.after(timeoutMs, 'a request times out', () => unreachable(`no answer within ${timeoutMs} ms`));
          const onClosed = (): void => unreachable('closed');
          closed.addEventListener('abort', onClosed, { once: true });
          /** Some losses are told at once by a reset connection, others by nothing. */
          const lose = (what: string): void => {
            counts.lost += 1;
            if (random() < 0.8) life.after(between(random, 5, 400), `${what}, the connection is reset`, () => unreachable(what));
          };
          const wayMs = (): number => (random() < 0.05 ? between(random, 200, 1_500) : between(random, 1, 40));

          counts.requests += 1;
          const { manners } = network;
          const arrive = (ms: number, listening: boolean): void => {
            // The message is on its way whether or not its sender lives on.
            time.after(ms, `${cart} ${method} ${path.split('?')[0] ?? path} arrives`, () => {
              if (network.cut.has(cart)) return listening ? lose('the request was cut off') : undefined;
              if (random() < manners.busy) {
                counts.busy += 1;
                answered({ status: 429, text: JSON.stringify({ reason: 'slow-down', message: 'Wait.' }), retryAfter: '1' }, listening);
                return;
              }
              central.request(station, method, path, text, gone.signal).then(
                (answer) => answered(answer, listening),
                (error: Error) => (listening ? life.after(between(random, 1, 50), 'the connection breaks', () => unreachable(error.message)) : undefined),
              );
            });
          };
          const answered = (answer: Answer, listening: boolean): void => {
            if (!listening) return;
            if (network.cut.has(cart) || random() < manners.answerLost) return lose('the answer was lost');
            time.after(wayMs(), `${cart} hears ${answer.status}`, () => {
              if (!life.alive() || done) return;
              heard(method, path, body, answer);
              finish(understand(answer.status, answer.retryAfter, answer.text, shape));
            });
          };

          const fate = random();
          if (fate < manners.requestLost) return lose('the request was lost');
          if (fate < manners.requestLost + manners.overtaken) {
            counts.overtaken += 1;
            lose('the sender gave up');
            return arrive(between(random, 500, 20_000), false);
          }
          arrive(wayMs(), true);
          if (random() < manners.doubled) {
            counts.doubled += 1;
            arrive(wayMs() + (random() < 0.5 ? 0 : between(random, 0, 3_000)), false);
          }
        });
      return {
        post: (path, body, shape) => exchange('POST', path, body, POST_TIMEOUT_MS, shape),
        get: (path, shape, timeoutMs) => exchange('GET', path, undefined, timeoutMs, shape),
        close: () => {
          closing.abort('closed');
          closing = new AbortController();
        },
      };
    },
  };
  return network;
}
