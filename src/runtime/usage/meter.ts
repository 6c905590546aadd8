/** Counts the time handlers take, as `compute_seconds` in ms. Neither method throws or says that it failed. */
export interface ComputeMeter {
  /** At the start of an invocation: writes what has waited too long for a write to ride on. */
  flush(): Promise<void>;
  /** After a handler. Resolves at once where the time rides on the tenant's next gate write. */
  spent(tenantId: string, ms: number): Promise<void>;
}
