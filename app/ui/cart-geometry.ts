/** Where the drawing of a cart puts its bays. Lengths are CSS pixels of the drawing; a cart never mirrors with the language. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface BayPlace {
  readonly slot: number;
  /** The recess a tablet stands in. */
  readonly bay: Box;
  /** The strip on the shelf's edge that carries the number. */
  readonly label: Box;
}
export interface CartPlan {
  readonly body: Box;
  readonly bays: readonly BayPlace[];
  readonly boards: readonly Box[];
  readonly castors: readonly { readonly x: number; readonly y: number; readonly radius: number }[];
  readonly fontSize: number;
}

/** A bay is drawn between 1.9 and 5.2 times as tall as wide: a tablet on its edge, never a sliver. */
const TALLEST = 5.2;
const SHORTEST = 1.9;
const GAP = 0.17;
const LABEL = 0.78;
const SHELF_GAP = 0.44;
const PADDING = 0.4;
const CASTOR = 0.42;

/**
 * Plans the cart into width × height, centred, using as much of both as the bays' proportions allow.
 * All proportions are in widths of one bay. Needs at least one shelf with one slot.
 */
export function planCart(shelves: readonly (readonly number[])[], width: number, height: number): CartPlan {
  const columns = Math.max(...shelves.map((shelf) => shelf.length));
  const rows = shelves.length;
  const across = columns + (columns - 1) * GAP + 2 * PADDING;
  const fixed = rows * LABEL + (rows - 1) * SHELF_GAP + 2 * PADDING + CASTOR;
  const unit = Math.min(width / across, height / (fixed + rows * SHORTEST));
  const bayHeight = Math.min(TALLEST, (height / unit - fixed) / rows) * unit;
  const bodyWidth = across * unit;
  const bodyHeight = (fixed - CASTOR) * unit + rows * bayHeight;
  const body = { x: (width - bodyWidth) / 2, y: (height - bodyHeight - CASTOR * unit) / 2, width: bodyWidth, height: bodyHeight };
  const top = (row: number): number => body.y + PADDING * unit + row * (bayHeight + (LABEL + SHELF_GAP) * unit);
  const bays = shelves.flatMap((shelf, row) =>
    shelf.map((slot, column) => {
      const x = body.x + (PADDING + column * (1 + GAP)) * unit;
      const bay = { x, y: top(row), width: unit, height: bayHeight };
      return { slot, bay, label: { x, y: top(row) + bayHeight, width: unit, height: LABEL * unit } };
    }),
  );
  const boards = shelves.map((_, row) => ({ x: body.x + (PADDING - 0.12) * unit, y: top(row) + bayHeight, width: bodyWidth - (PADDING - 0.12) * 2 * unit, height: 0.1 * unit }));
  const floor = body.y + body.height;
  const castors = [0.14, 0.86].map((at) => ({ x: body.x + body.width * at, y: floor + CASTOR * 0.45 * unit, radius: CASTOR * unit * 0.55 }));
  return { body, bays, boards, castors, fontSize: unit * 0.56 };
}
