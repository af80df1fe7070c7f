/** The outcome of a command that may be refused for an expected reason. The unexpected is thrown. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: E };

export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
export const refused = <E>(reason: E): { readonly ok: false; readonly reason: E } => ({ ok: false, reason });

/** Fails to compile where a closed list is not handled whole, and throws if one is ever extended at run time. */
export function unreachable(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
