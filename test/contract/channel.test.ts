import { expect, test } from 'vitest';
import { channel, type ChannelEnd } from '../../app/transport/channel.ts';

/** The part that every transport shares, with a wire that does just what the test says. */
function wire(): { end: ChannelEnd; sent: unknown[]; transport: ReturnType<typeof channel> } {
  const sent: unknown[] = [];
  let made: ChannelEnd | undefined;
  const transport = channel((end) => {
    made = end;
    return { send: (message) => void sent.push(message), close: () => end.closed('closed') };
  });
  if (!made) throw new Error('the channel was not connected');
  return { end: made, sent, transport };
}

test('what came before anybody listened is handed over first, in order', () => {
  const { end, transport } = wire();
  end.received(1);
  end.received(2);
  const got: unknown[] = [];
  transport.onMessage((message) => got.push(message));
  end.received(3);
  expect(got).toEqual([1, 2, 3]);
});

test('a wire that reports its end twice: the first cause stays, also for who asks late', () => {
  const { end, transport } = wire();
  const told: string[] = [];
  transport.onClose((cause) => told.push(cause));
  end.closed('SIGKILL');
  end.closed('disconnected');
  transport.onClose((cause) => told.push(`late: ${cause}`));
  expect(told).toEqual(['SIGKILL', 'late: SIGKILL']);
});

test('after the end nothing is sent and nothing is heard', () => {
  const { end, sent, transport } = wire();
  const got: unknown[] = [];
  transport.onMessage((message) => got.push(message));
  end.closed('gone');
  transport.send('too late');
  end.received('too late');
  expect([sent, got]).toEqual([[], []]);
});
