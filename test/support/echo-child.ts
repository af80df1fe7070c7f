import { parentProcessTransport } from '../../app/transport/child-process.ts';

/** The far end of the conformance suite in a process of its own: echoes, and leaves or dies when told. */
const parent = parentProcessTransport(process);
parent.onMessage((message) => {
  if (message === 'close yourself') parent.close();
  else if (message === 'die') process.kill(process.pid, 'SIGKILL');
  else parent.send(message);
});
