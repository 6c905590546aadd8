/** One structured line for the function's log. A presented key never goes in. */
export type Log = (line: { level: 'warn' | 'error'; event: string; [detail: string]: unknown }) => void;
