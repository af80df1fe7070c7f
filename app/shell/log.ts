/** One line per event; `facts` never hold a message of the page, which may carry a PIN. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, facts?: Readonly<Record<string, unknown>>) => void;

/** JSON lines on stderr, where journald and a terminal both find them. */
export function stderrLog(): Log {
  return (level, event, facts) => {
    process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), part: 'shell', level, event, ...facts })}\n`);
  };
}
