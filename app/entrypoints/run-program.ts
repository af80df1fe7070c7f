import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface RunningProgram {
  /** The JSON that it printed when it was ready. */
  readonly line: string;
  send(message: object): void;
  /** One question, one answer. */
  ask(message: object): Promise<unknown>;
  /** Ends it and waits until it has. */
  stop(): Promise<void>;
}

interface ProgramOptions {
  readonly name: string;
  readonly file: string;
  /** `earlier`: the line of its first life, so that a later one listens where the first did. */
  readonly args: (earlier: string | undefined) => readonly string[];
  /** Beside this program's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told the process id after every start, null after every end. */
  readonly told: (pid: number | null) => void;
  /** It ended five times in a row before it was ready; the message is for a person. */
  readonly giveUp: (message: string) => void;
}

const RESTART_MS = 300;
const MAX_FAILURES = 5;
const STOP_MS = 10_000;

/**
 * Starts a program of ours and waits for its line `<name> {json}`. Rejects when the first start fails: the program has
 * told a person why. Later ends are mended by starting it again.
 */
export async function runProgram(options: ProgramOptions): Promise<RunningProgram> {
  let child: ChildProcess;
  let first: string | undefined;
  let stopped = false;
  let failures = 0;

  const launch = (): Promise<string> => {
    const running = fork(options.file, [...options.args(first)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], env: { ...process.env, ...options.environment } });
    child = running;
    if (running.pid !== undefined) options.told(running.pid);
    return new Promise((resolve, reject) => {
      const ended = (code: number | null, signal: string | null): void => reject(new Error(`the ${options.name} ended before it was ready (${signal ?? `exit ${code}`}); its last lines above say why`));
      running.once('exit', ended);
      running.once('error', reject);
      if (!running.stdout) throw new Error('a piped standard output is missing');
      createInterface({ input: running.stdout }).on('line', (line) => {
        if (!line.startsWith(`${options.name} {`)) return void process.stderr.write(`${line}\n`);
        running.off('exit', ended);
        failures = 0;
        running.once('exit', () => {
          options.told(null);
          again();
        });
        first ??= line.slice(options.name.length + 1);
        resolve(line.slice(options.name.length + 1));
      });
    });
  };
  const again = (): void => {
    if (stopped) return;
    setTimeout(() => {
      if (stopped) return;
      launch().catch((error: Error) => {
        failures += 1;
        if (failures >= MAX_FAILURES) options.giveUp(`start: ${error.message}`);
        else again();
      });
    }, RESTART_MS);
  };

  const line = await launch();
  return {
    line,
    send: (message) => {
      if (child.connected) child.send(message);
    },
    ask: (message) =>
      new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', () => reject(new Error(`the ${options.name} ended instead of answering`)));
        child.send(message);
      }),
    stop: () =>
      new Promise((resolve) => {
        stopped = true;
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
      }),
  };
}
