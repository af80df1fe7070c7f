import { connect } from 'node:net';

const SOCKET = '/run/pcscd/pcscd.comm';
const COMMAND_VERSION = 0x11;
/** Client protocol 4.4 of pcsc-lite, in its three 32-bit words: major, minor, result. Any answer at all means that it lives. */
const VERSION_WORDS = [4, 4, 0];

export type ServiceAnswer = 'answers' | 'silent' | 'down' | 'unknown';

/**
 * Asks pcscd for its version without its client library, which would block the whole process on a daemon that hangs.
 * `unknown` where there is no such socket by design (Windows, macOS).
 */
export function probePcscService(deadlineMs: number): Promise<ServiceAnswer> {
  if (process.platform !== 'linux') return Promise.resolve('unknown');
  return new Promise((resolve) => {
    const socket = connect(process.env['PCSCLITE_CSOCK_NAME'] ?? SOCKET);
    const timer = setTimeout(() => finish('silent'), deadlineMs);
    function finish(answer: ServiceAnswer): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    }
    socket.on('connect', () => {
      const words = [VERSION_WORDS.length * 4, COMMAND_VERSION, ...VERSION_WORDS];
      // The daemon reads its own machine's byte order; every machine this runs on is little-endian.
      const request = Buffer.alloc(words.length * 4);
      words.forEach((word, index) => request.writeUInt32LE(word, index * 4));
      socket.write(request);
    });
    socket.on('data', () => finish('answers'));
    socket.on('error', () => finish('down'));
    socket.on('close', () => finish('down'));
  });
}
