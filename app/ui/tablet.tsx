import type { ReactNode } from 'react';
import type { Box } from './cart-geometry.ts';

/** How a slot is drawn. The same words as the kiosk contract's `SLOT_LOOKS`; shape carries the meaning. */
export type Look = 'ready' | 'preparing' | 'waiting' | 'charging' | 'out-of-service' | 'empty' | 'unknown';

interface TabletProps {
  readonly look: Look;
  readonly box: Box;
  /** 0…100; fills the tablet from below. Absent: not known. */
  readonly chargePercent?: number | undefined;
  readonly progress?: { readonly done: number; readonly of: number } | undefined;
  readonly id: string;
  /** Without the sign of its look: something else stands there. */
  readonly bare?: boolean;
}

/** A tablet standing in its bay, seen from the front. */
export function Tablet({ look, box, chargePercent, progress, id, bare = false }: TabletProps): ReactNode {
  const stroke = box.width * 0.075;
  const inner = { x: box.x + stroke / 2, y: box.y + stroke / 2, width: box.width - stroke, height: box.height - stroke };
  const outline = look === 'waiting' ? cutCorner(inner) : rounded(inner);
  const filled = chargePercent === undefined ? (look === 'ready' ? 100 : 0) : chargePercent;
  const level = box.y + box.height * (1 - filled / 100);
  const centre = { x: box.x + box.width / 2, y: box.y + box.height - box.width * 0.56 };
  return (
    <g className="tablet" data-look={look}>
      <clipPath id={id}>
        <path d={outline} />
      </clipPath>
      <path className="tablet-back" d={outline} />
      <g clipPath={`url(#${id})`}>
        {look === 'out-of-service' ? <Hatch box={box} /> : <rect className="tablet-charge" x={box.x} y={level} width={box.width} height={Math.max(0, box.y + box.height - level)} />}
      </g>
      <path className="tablet-line" d={outline} strokeWidth={stroke} />
      {!bare && <Mark look={look} x={centre.x} y={centre.y} radius={box.width * 0.27} progress={progress} />}
    </g>
  );
}

function Mark({ look, x, y, radius, progress }: { look: Look; x: number; y: number; radius: number; progress?: TabletProps['progress'] }): ReactNode {
  const width = radius * 0.44;
  switch (look) {
    case 'ready':
      return <path className="mark-ready" strokeWidth={width} d={`M${x - radius * 0.72} ${y + radius * 0.05} l${radius * 0.5} ${radius * 0.52} l${radius * 0.95} ${-radius * 1.1}`} />;
    case 'preparing': {
      const share = progress === undefined ? 0.06 : Math.max(0.06, progress.done / progress.of);
      return (
        <g className="mark-ring" strokeWidth={width}>
          <circle className="mark-disc" cx={x} cy={y} r={radius + width / 2} />
          <circle className="mark-track" cx={x} cy={y} r={radius} />
          <circle className="mark-arc" cx={x} cy={y} r={radius} pathLength={100} strokeDasharray={`${share * 100} 100`} transform={`rotate(-90 ${x} ${y})`} />
        </g>
      );
    }
    case 'waiting':
      return (
        <g className="mark-dots">
          {[-1, 0, 1].map((step) => (
            <circle key={step} cx={x + step * radius * 0.86} cy={y} r={radius * 0.3} />
          ))}
        </g>
      );
    case 'charging':
      return <path className="mark-bolt" d={`M${x + radius * 0.22} ${y - radius * 1.25} L${x - radius * 0.75} ${y + radius * 0.2} H${x - radius * 0.05} L${x - radius * 0.22} ${y + radius * 1.25} L${x + radius * 0.75} ${y - radius * 0.2} H${x + radius * 0.05} Z`} />;
    case 'out-of-service':
      return (
        <g className="mark-cross" strokeWidth={width}>
          <circle className="mark-disc" cx={x} cy={y} r={radius * 1.12} />
          <path d={`M${x - radius * 0.6} ${y - radius * 0.6} l${radius * 1.2} ${radius * 1.2} m0 ${-radius * 1.2} l${-radius * 1.2} ${radius * 1.2}`} />
        </g>
      );
    case 'unknown':
      return (
        <text className="mark-text" x={x} y={y} fontSize={radius * 2.2} textAnchor="middle" dominantBaseline="central">
          ?
        </text>
      );
    case 'empty':
      return null;
  }
}

function Hatch({ box }: { box: Box }): ReactNode {
  const step = box.width * 0.34;
  const lines = Math.ceil((box.height + box.width) / step);
  const d = Array.from({ length: lines }, (_, line) => `M${box.x} ${box.y + line * step} l${box.width} ${-box.width}`).join('');
  return <path className="tablet-hatch" d={d} strokeWidth={box.width * 0.09} />;
}

const rounded = ({ x, y, width, height }: Box): string => {
  const r = width * 0.17;
  return `M${x + r} ${y}h${width - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${height - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}h${2 * r - width}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - height}a${r} ${r} 0 0 1 ${r} ${-r}z`;
};

/** The notch of "waiting for proof": the upper corner is cut off, like a ticket not yet valid. */
const cutCorner = ({ x, y, width, height }: Box): string => {
  const r = width * 0.17;
  const cut = width * 0.5;
  return `M${x + r} ${y}h${width - r - cut}l${cut} ${cut}v${height - cut - r}a${r} ${r} 0 0 1 ${-r} ${r}h${2 * r - width}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - height}a${r} ${r} 0 0 1 ${r} ${-r}z`;
};
