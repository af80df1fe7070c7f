/** What an Android tablet on the bench says of itself. Change it at any time; the next question is answered by it. */
export interface VirtualTablet {
  readonly serial: string;
  properties: Record<string, string>;
  battery: { level: number; status: number };
  provisioned: boolean;
  /** A person taps "always allow" on its screen when a cart shows its key, or nobody does. */
  trusting: boolean;
  /** Its shell takes commands and never answers. */
  mute: boolean;
  /** Public keys it has been told to trust, as adb writes them. */
  readonly trusted: string[];
  /** Every service it was asked to open, in order. */
  readonly asked: string[];
}

export function virtualTablet(serial: string, changed: Partial<Omit<VirtualTablet, 'serial' | 'trusted' | 'asked'>> = {}): VirtualTablet {
  return {
    serial,
    properties: {
      'ro.serialno': serial,
      'ro.product.name': 'gtactive5wifi',
      'ro.product.device': 'gtactive5',
      'ro.product.manufacturer': 'samsung',
      'ro.product.model': 'SM-X300',
      'ro.build.version.release': '15',
      'ro.build.version.security_patch': '2026-09-01',
      'ro.build.display.id': 'AP3A.240905.015.X300XXU5',
      'ro.build.fingerprint': 'samsung/gtactive5wifi/gtactive5:15/AP3A.240905.015/X300XXU5:user/release-keys',
      'ro.boot.verifiedbootstate': 'green',
    },
    battery: { level: 83, status: 2 },
    provisioned: true,
    trusting: true,
    mute: false,
    trusted: [],
    asked: [],
    ...changed,
  };
}

/** What its shell prints for a line of commands between semicolons, and the exit code of the last. */
export function shellAnswer(tablet: VirtualTablet, line: string): { readonly output: string; readonly exit: number } {
  let output = '';
  let exit = 0;
  for (const command of line.split(';').map((part) => part.trim())) {
    const answered = commandAnswer(tablet, command, exit);
    output += answered.output;
    exit = answered.exit;
  }
  return { output, exit };
}

function commandAnswer(tablet: VirtualTablet, command: string, lastExit: number): { readonly output: string; readonly exit: number } {
  const [program, ...words] = command.split(/\s+/);
  if (command === 'getprop') return said(Object.entries(tablet.properties).map(([key, value]) => `[${key}]: [${value}]`).join('\n'));
  if (program === 'getprop') return said(tablet.properties[words[0] ?? ''] ?? '');
  if (command === 'dumpsys battery') return said(batteryDump(tablet));
  if (command === 'settings get global device_provisioned') return said(tablet.provisioned ? '1' : '0');
  if (program === 'echo') return said(words.join(' ').replace(/^"(.*)"$/, '$1').replaceAll('$?', String(lastExit)));
  return { output: `/system/bin/sh: ${program}: inaccessible or not found\n`, exit: 127 };
}

function said(text: string): { readonly output: string; readonly exit: number } {
  return { output: `${text}\n`, exit: 0 };
}

function batteryDump({ battery: { level, status } }: VirtualTablet): string {
  const lines = ['Current Battery Service state:', '  AC powered: false', '  USB powered: true', '  Wireless powered: false', '  Max charging current: 500000'];
  lines.push('  Charge counter: 4213000', `  status: ${status}`, '  health: 2', '  present: true', `  level: ${level}`, '  scale: 100');
  lines.push('  voltage: 4287', '  temperature: 274', '  technology: Li-ion');
  return lines.join('\n');
}
