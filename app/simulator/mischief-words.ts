import type { Misbehaviour } from './world/mdm-records.ts';

/** What an MDM is known to get wrong, and what the cart must make of it. `ms` where the mischief has a length. */
export const MISCHIEF: readonly { readonly fault: Misbehaviour; readonly title: string; readonly caption: string; readonly ms?: number }[] = [
  { fault: 'late-enrolment', title: 'Enrols 4 minutes late', caption: 'Wiped, but silent for a while. It must wait for proof.', ms: 240_000 },
  { fault: 'command-lost', title: 'Loses the command', caption: 'Accepted, never delivered. The data stays on the tablet.' },
  { fault: 'command-expired', title: 'Lets the command expire', caption: 'The tablet never hears of it.' },
  { fault: 'wipe-acknowledged-not-done', title: 'Says “wiped”, is not', caption: 'The tablet confirms and keeps the data.' },
  { fault: 'stale-enrolment-record', title: 'Keeps the old record', caption: 'The earlier credentials still open doors.' },
  { fault: 'delete-does-nothing', title: 'Deletes nothing', caption: 'Answers “deleted”; the record stays.' },
  { fault: 'profile-survives', title: 'Shows the old profile', caption: 'Reported present, though it has not arrived.', ms: 60_000 },
  { fault: 'enrols-under-same-time', title: 'Equal times', caption: 'Enrolled in the instant of the command: proves nothing.' },
  { fault: 'enrols-twice', title: 'Enrols twice', caption: 'Two new records for one tablet.' },
  { fault: 'old-command-replayed', title: 'Replays the old wipe', caption: 'A command waits for the new enrolment.' },
  { fault: 'wrong-serial', title: 'Swaps serial numbers', caption: 'The new record names another tablet.' },
  { fault: 'unlock-token-kept', title: 'Keeps an unlock code', caption: 'Somebody could still open the tablet.' },
  { fault: 'adb-left-on', title: 'Leaves debugging on', caption: 'Enrolled with adb switched on.' },
  { fault: 'update-never-ends', title: 'Never ends its update', caption: 'Ordered, downloaded for ever. Somebody has to look at it.' },
  { fault: 'update-fails', title: 'Fails its update', caption: 'Restarts, and runs the old system as before.' },
  { fault: 'lists-twice', title: 'Lists it twice', caption: 'The same record on two pages. Harmless if noticed.' },
  { fault: 'throttled', title: 'Too many requests', caption: 'Answers 429: come back later.' },
  { fault: 'server-error', title: 'Fails for a moment', caption: 'Answers 503.' },
  { fault: 'token-rejected', title: 'Rejects the token', caption: 'Answers 401: the server must sign in again.' },
];
