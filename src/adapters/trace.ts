type Next = (args: unknown) => Promise<{ response?: unknown }>;

/** One line per HTTP call: service, operation, status, time, request id. Never headers, never bodies. */
export function traceCalls(
  // The stacks of different clients differ only in what they carry, which tracing does not look at.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  stack: { add(middleware: any, options: any): void },
  service: string,
  write: (line: string) => void,
): void {
  stack.add(
    (next: Next, context: Record<string, unknown>) => async (args: unknown) => {
      const operation = String(context['commandName'] ?? '').replace(/Command$/, '');
      const started = performance.now();
      const line = (status: string, requestId: string | undefined) =>
        write(
          `debug: ${service} ${operation} ${status} ${Math.round(performance.now() - started)} ms${requestId ? ` ${requestId}` : ''}`,
        );
      try {
        const result = await next(args);
        const response = result.response as
          | { statusCode?: number; headers?: Record<string, string> }
          | undefined;
        line(String(response?.statusCode ?? '-'), response?.headers?.['x-amzn-requestid']);
        return result;
      } catch (error) {
        const { name, $metadata } = error as {
          name?: string;
          $metadata?: { httpStatusCode?: number; requestId?: string };
        };
        line(`${$metadata?.httpStatusCode ?? '-'} ${name ?? 'error'}`, $metadata?.requestId);
        throw error;
      }
    },
    { step: 'deserialize', name: 'saasctlTrace', priority: 'low' },
  );
}
