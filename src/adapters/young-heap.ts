/**
 * Opens what lets thousands of tenants pass by and keeps nothing of them: the young generation of this process need
 * not grow with them. It is the process's own setting, so that only who owns the process may ask for it.
 */
export const inSmallHeap =
  <T>(open: () => Promise<T>): (() => Promise<T>) =>
  async () => {
    (await import('node:v8')).setFlagsFromString('--semi-space-growth-factor=1');
    return open();
  };
