/** Where a process of the soak writes what it holds. `/run` is the testbed's own. */
export const memoryFile = (pid: number): string => `/run/soak-memory-${pid}.json`;
