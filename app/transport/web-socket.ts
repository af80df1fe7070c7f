import type { RawData, WebSocket } from 'ws';
import type { Transport } from '../contract/transport.ts';
import { channel } from './channel.ts';

/** Over one WebSocket (Node side). A frame that is not JSON closes the connection with 1007: the peer is not ours. */
export function webSocketTransport(socket: WebSocket): Transport {
  return channel((end) => {
    socket.on('message', (data: RawData, isBinary: boolean) => {
      const message = isBinary ? undefined : parseJson(data);
      if (message === undefined) socket.close(1007, 'not JSON');
      else end.received(message);
    });
    socket.on('close', (code: number) => end.closed(`closed ${code}`));
    socket.on('error', (error: Error) => end.closed(error.message));
    const early: string[] = [];
    socket.once('open', () => {
      for (const text of early.splice(0)) socket.send(text);
    });
    return {
      send: (message) => {
        const text = JSON.stringify(message);
        if (socket.readyState === socket.CONNECTING) early.push(text);
        else if (socket.readyState === socket.OPEN) socket.send(text);
      },
      close: () => socket.close(1000),
    };
  });
}

function parseJson(data: RawData): unknown {
  try {
    return JSON.parse(data.toString()) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
